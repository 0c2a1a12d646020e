//go:build tools

// Package tools names the one program of the module k8s.io/kubernetes that only nodes of kind have.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kubeadm"
)
