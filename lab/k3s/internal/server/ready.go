package server

import (
	"net/http"
	"strings"
	"time"

	"virtualcluster/lab/k3s/internal/deploy"
	"virtualcluster/lab/k3s/internal/front"
	"virtualcluster/lab/k3s/internal/kube"
	"virtualcluster/lab/k3s/internal/logs"
)

const poll = 30 * time.Millisecond

// whenReady waits for the API server and then starts what needs it.
func (r *run) whenReady() error {
	// Controller manager and scheduler end themselves when RBAC is not there yet.
	if !r.waitFor("/readyz/poststarthook/rbac/bootstrap-roles") {
		return nil
	}
	if err := r.controllers(); err != nil {
		return err
	}
	if err := r.scheduler(); err != nil {
		return err
	}
	go deploy.New(r.client.As(r.agent("deploy")), r.s, r.nodes.Again).Run(r.ctx)
	if r.s.Family.NodesWithoutDNS || !r.s.IsDisabled("coredns") {
		go r.nodes.Run(r.ctx)
	}
	if r.ownEndpoints {
		go r.endpoints()
	}
	go r.serving()
	go r.clusterDNS()
	if !r.waitFor("/readyz") {
		return nil
	}
	r.front.Ready.Store(true)
	logs.Info("Kube API server is now running")
	logs.Info("k3s is up and running")
	logs.Info("stand-in: ready after %s", time.Since(r.started).Round(time.Millisecond))
	if !r.s.Family.KubeconfigBeforeReady {
		return kubeconfig(r.s, r.password)
	}
	return nil
}

// waitFor polls a health path until it answers 200; false: the process is ending.
func (r *run) waitFor(path string) bool {
	for r.ctx.Err() == nil {
		if _, err := r.client.Get(r.ctx, path); err == nil {
			return true
		}
		time.Sleep(poll)
	}
	return false
}

// retry does a write until it succeeds: the API may be up and its namespaces not.
func (r *run) retry(what string, write func() error) {
	for r.ctx.Err() == nil {
		err := write()
		if err == nil {
			return
		}
		if code := kube.Code(err); code != http.StatusNotFound && code != http.StatusForbidden {
			logs.Error("%s: %v", what, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// serving keeps the certificate and Secret kube-system/k3s-serving the same; both only gain names.
func (r *run) serving() {
	const path = "/api/v1/namespaces/kube-system/secrets"
	for r.ctx.Err() == nil {
		r.retry("storing k3s-serving", func() error {
			if stored, err := r.client.Get(r.ctx, path+"/k3s-serving"); err == nil {
				if err := r.front.Certificate.Add(front.SecretNames(stored)...); err != nil {
					return err
				}
			}
			return r.client.Upsert(r.ctx, path, "k3s-serving", r.front.Certificate.Secret())
		})
		select {
		case <-r.ctx.Done():
		case <-r.front.Certificate.Changed:
		}
	}
}

func (r *run) clusterDNS() {
	r.retry("storing cluster-dns", func() error {
		return r.client.Upsert(r.ctx, "/api/v1/namespaces/kube-system/configmaps", "cluster-dns", kube.Object{
			"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": kube.Object{"name": "cluster-dns", "namespace": "kube-system"},
			"data":     kube.Object{"clusterDNS": strings.Join(r.s.ClusterDNS, ","), "clusterDomain": r.s.ClusterDomain},
		})
	})
}

// endpoints keeps default/kubernetes at our address and outer port, looking every 10 s as upstream does.
func (r *run) endpoints() {
	address, port := r.s.AdvertiseAddress, float64(r.s.AdvertisePort)
	ports := []any{kube.Object{"name": "https", "port": port, "protocol": "TCP"}}
	family := "IPv4"
	if strings.Contains(address, ":") {
		family = "IPv6"
	}
	for r.ctx.Err() == nil {
		r.retry("storing Endpoints kubernetes", func() error {
			err := r.client.Upsert(r.ctx, "/api/v1/namespaces/default/endpoints", "kubernetes", kube.Object{
				"apiVersion": "v1", "kind": "Endpoints",
				"metadata": kube.Object{"name": "kubernetes", "namespace": "default",
					"labels": kube.Object{"endpointslice.kubernetes.io/skip-mirror": "true"}},
				"subsets": []any{kube.Object{"addresses": []any{kube.Object{"ip": address}}, "ports": ports}},
			})
			if err != nil || r.s.Family.Minor < 21 { // older ones have no discovery.k8s.io/v1
				return err
			}
			return r.client.Upsert(r.ctx, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", "kubernetes", kube.Object{
				"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
				"metadata": kube.Object{"name": "kubernetes", "namespace": "default",
					"labels": kube.Object{"kubernetes.io/service-name": "kubernetes"}},
				"endpoints": []any{kube.Object{"addresses": []any{address}, "conditions": kube.Object{"ready": true}}},
				"ports":     ports,
			})
		})
		select {
		case <-r.ctx.Done():
		case <-time.After(10 * time.Second):
		}
	}
}
