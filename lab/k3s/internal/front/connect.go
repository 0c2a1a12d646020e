package front

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"virtualcluster/lab/k3s/internal/logs"
)

// Kubelets says which node, if any, an address belongs to.
type Kubelets interface {
	// Find returns the node with this address and the port of its kubelet.
	Find(address string) (node string, port string, ok bool)
}

// Egress is the HTTP CONNECT proxy that the API server dials through unless --egress-selector-mode=disabled. Without
// an agent nobody holds a tunnel to a kubelet, so those connections are refused; all others are made.
type Egress struct {
	Verifier *Verifier
	Nodes    Kubelets
	OwnNode  string
}

func (e *Egress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.Verifier.isMaster(r) {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	address, node := r.Host, ""
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if net.ParseIP(host) == nil {
		node = host // k3s takes every name for a kubelet's
	} else if name, kubelet, ok := e.Nodes.Find(host); ok && kubelet == port {
		node = name
	}
	switch {
	case node == e.OwnNode && node != "":
		address = net.JoinHostPort("127.0.0.1", port) // a node named like this pod is dialed here
	case node != "":
		http.Error(w, "failed to find Session for client "+node, http.StatusInternalServerError)
		return
	}
	backend, err := net.DialTimeout("tcp", address, 15*time.Second)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer backend.Close()
	splice(w, backend)
}

func splice(w http.ResponseWriter, backend net.Conn) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		http.Error(w, "CONNECT needs HTTP/1.1", http.StatusHTTPVersionNotSupported)
		return
	}
	client, buffered, err := hijacker.Hijack()
	if err != nil {
		logs.Error("egress: %v", err)
		return
	}
	defer client.Close()
	fmt.Fprint(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	done := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(backend, buffered); done <- struct{}{} }()
	go func() { _, _ = io.Copy(client, backend); done <- struct{}{} }()
	<-done
}

// SelectorConfig is what the API server reads to find the proxy; alpha: as before Kubernetes 1.20.
func SelectorConfig(address, tls string, alpha bool) string {
	text := selector
	if alpha {
		text = selectorAlpha
	}
	return strings.NewReplacer("${address}", address, "${tls}", tls).Replace(text)
}

const selector = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      tcp:
        url: https://${address}
        tlsConfig:
          caBundle: ${tls}/server-ca.crt
          clientKey: ${tls}/client-kube-apiserver.key
          clientCert: ${tls}/client-kube-apiserver.crt
`

const selectorAlpha = `apiVersion: apiserver.k8s.io/v1alpha1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    type: http-connect
    httpConnect:
      url: https://${address}
      caBundle: ${tls}/server-ca.crt
      clientKey: ${tls}/client-kube-apiserver.key
      clientCert: ${tls}/client-kube-apiserver.crt
`
