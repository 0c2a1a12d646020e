//go:build tools

// Package tools names what the conformance tests build of the module k8s.io/kubernetes, so that go.sum pins all of it.
// It is a module of its own: another pin here does not build the lab's Kubernetes again.
package tools

import (
	_ "github.com/onsi/ginkgo/v2/ginkgo"
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/test/e2e"
	_ "k8s.io/kubernetes/test/images/nonewprivs"
	_ "k8s.io/sample-apiserver"
)
