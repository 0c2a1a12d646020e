package integration

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rancher/remotedialer"

	"virtualcluster/lab/k3s/internal/family"
	"virtualcluster/lab/k3s/internal/pki"
)

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

const (
	kubeSystem = "/api/v1/namespaces/kube-system"
	nodesPath  = "/api/v1/nodes"
)

func packaged(t *testing.T, s *instance) {
	s.eventually("CoreDNS' pod", 60*time.Second, func() error {
		_, list, text := s.do(s.admin(), http.MethodGet, kubeSystem+"/pods?labelSelector=k8s-app%3Dkube-dns", nil)
		if items, _ := list["items"].([]any); len(items) != 1 {
			return fmt.Errorf("%.200s", text)
		}
		return nil
	})
	s.eventually("Addon", 60*time.Second, func() error {
		_, addon, text := s.do(s.admin(), http.MethodGet, "/apis/k3s.cattle.io/v1/namespaces/kube-system/addons/coredns", nil)
		if sum, _ := at(addon, "spec", "checksum").(string); len(sum) != 64 {
			return fmt.Errorf("%s", text)
		}
		return nil
	})
	service := s.made(kubeSystem + "/services/kube-dns")
	if at(service, "spec", "clusterIP") != "10.96.0.10" {
		t.Errorf("%v", service)
	}
	config := s.made(kubeSystem + "/configmaps/cluster-dns")
	if at(config, "data", "clusterDNS") != "10.96.0.10" || at(config, "data", "clusterDomain") != "cluster.local" {
		t.Errorf("%v", config)
	}
	host, _ := os.Hostname()
	for path, controller := range map[string]string{"/configmaps/coredns": "deploy", "/secrets/k3s-serving": "k3s-supervisor"} {
		want := controller + "@" + strings.ToLower(host)
		manager := managers(s.made(kubeSystem + path))
		if row.NamedManagers && !slices.Contains(strings.Fields(manager), want) || !row.NamedManagers && strings.Contains(manager, "@") {
			t.Errorf("%s is managed by %s", path, manager)
		}
	}
	if slices.Contains(row.DisableItems, "runtimes") {
		classes, _ := s.must(http.MethodGet, "/apis/node.k8s.io/v1/runtimeclasses", nil)["items"].([]any)
		if len(classes) != 10 {
			t.Errorf("%d RuntimeClasses", len(classes))
		}
	}
	helm := http.StatusNotFound // the controller is disabled
	if row.HelmCRDsAlways {
		helm = http.StatusOK
	}
	if code, _, _ := s.do(s.admin(), http.MethodGet, "/apis/helm.cattle.io/v1", nil); code != helm {
		t.Errorf("helm CRDs: %d", code)
	}
}

// managers are the names of those who wrote an object.
func managers(made object) string {
	fields, _ := at(made, "metadata", "managedFields").([]any)
	var names []string
	for _, field := range fields {
		names = append(names, fmt.Sprint(at(field, "manager")))
	}
	return strings.Join(names, " ")
}

func node(name, address string, port int) object {
	return object{"apiVersion": "v1", "kind": "Node", "metadata": object{"name": name}, "status": object{
		"addresses":       []object{{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}},
		"daemonEndpoints": object{"kubeletEndpoint": object{"Port": port}},
	}}
}

func nodes(t *testing.T, s *instance) {
	s.must(http.MethodPost, nodesPath, node("n1", "10.9.8.7", 10350))
	s.must(http.MethodPost, kubeSystem+"/secrets",
		object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "n1.node-password.k3s"}})
	hosts := func(want bool) func() error {
		return func() error {
			text, _ := at(s.made(kubeSystem+"/configmaps/coredns"), "data", "NodeHosts").(string)
			if strings.Contains(text, "10.9.8.7 n1\n") != want {
				return fmt.Errorf("NodeHosts %q", text)
			}
			return nil
		}
	}
	s.eventually("NodeHosts", 60*time.Second, hosts(true))
	s.eventually("finalizer", 60*time.Second, func() error {
		held := fmt.Sprint(at(s.must(http.MethodGet, nodesPath+"/n1", nil), "metadata", "finalizers"))
		if held != "[wrangler.cattle.io/node]" {
			return fmt.Errorf("finalizers %s", held)
		}
		return nil
	})
	s.must(http.MethodDelete, nodesPath+"/n1", nil)
	s.eventually("deleted", 60*time.Second, func() error {
		code, _, text := s.do(s.admin(), http.MethodGet, nodesPath+"/n1", nil)
		if code != http.StatusNotFound {
			return fmt.Errorf("%s", text)
		}
		return nil
	})
	hostsGone := hosts(false)
	s.eventually("NodeHosts", 60*time.Second, hostsGone)
	if code, _, _ := s.do(s.admin(), http.MethodGet, kubeSystem+"/secrets/n1.node-password.k3s", nil); code != http.StatusNotFound {
		t.Errorf("node password: %d", code)
	}
}

func endpoints(t *testing.T, s *instance) {
	s.eventually("endpoints", 60*time.Second, func() error {
		_, found, text := s.do(s.admin(), http.MethodGet, "/api/v1/namespaces/default/endpoints/kubernetes", nil)
		if !strings.Contains(text, fmt.Sprintf(`"port":%d`, s.port)) {
			return fmt.Errorf("%v", found)
		}
		return nil
	})
}

// fakeKubelet serves TLS with a certificate of server-ca and demands the API server's.
type fakeKubelet struct {
	address string
	port    int
	client  atomic.Value // the name in the client's certificate
}

func startKubelet(t *testing.T, s *instance) *fakeKubelet {
	t.Helper()
	authority, err := pki.LoadAuthority(s.tls("server-ca"), "server-ca", 0)
	if err != nil {
		t.Fatal(err)
	}
	k := &fakeKubelet{address: hostAddress()}
	chain, key, err := authority.Sign(pki.Request{CN: "fake", Serving: true, SANs: []string{k.address, "direct"}})
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, _ := pki.KeyPEM(key)
	pair, err := tls.X509KeyPair(chain, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	content, _ := os.ReadFile(s.tls("client-ca.crt"))
	clients.AppendCertsFromPEM(content)
	listener, err := tls.Listen("tcp", ":0", &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert,
	})
	if err != nil {
		t.Fatal(err)
	}
	k.port = listener.Addr().(*net.TCPAddr).Port
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.client.Store(r.TLS.PeerCertificates[0].Subject.CommonName)
		if r.Header.Get("Upgrade") != "" {
			connection, buffered, _ := w.(http.Hijacker).Hijack()
			defer connection.Close()
			fmt.Fprint(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			_, _ = io.Copy(connection, buffered)
			return
		}
		fmt.Fprintf(w, "hello from %s", r.URL.Path)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return k
}

func hostAddress() string {
	addresses, _ := net.InterfaceAddrs()
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.IsGlobalUnicast() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	return "127.0.0.1"
}

// bind makes the node and a pod on it, and returns the path of the pod's logs.
func (k *fakeKubelet) bind(s *instance, name string) string {
	s.t.Helper()
	made := node(name, k.address, k.port)
	if row.KubeletDial != family.DialTunnel { // a tunnel is found by the name
		addresses := []object{{"type": "InternalIP", "address": k.address}} // no Hostname: it would not resolve
		made["status"].(object)["addresses"] = addresses
	}
	s.must(http.MethodPost, nodesPath, made)
	s.eventually("service account", 60*time.Second, func() error {
		code, _, text := s.do(s.admin(), http.MethodPost, "/api/v1/namespaces/default/pods", object{
			"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": name},
			"spec": object{"nodeName": name, "containers": []object{{"name": "c", "image": "none"}}},
		})
		if code != http.StatusCreated && code != http.StatusConflict {
			return fmt.Errorf("%s", text)
		}
		return nil
	})
	return "/api/v1/namespaces/default/pods/" + name + "/log"
}

// kubelets: the API server dials the kubelet itself, or through its tunnel, with its own certificate.
func kubelets(t *testing.T, s *instance) {
	kubelet := startKubelet(t, s)
	logs := kubelet.bind(s, "direct")
	want := "system:apiserver"
	if row.Minor < 22 {
		want = "kube-apiserver"
	}
	if row.KubeletDial == family.DialTunnel {
		code, _, text := s.do(s.admin(), http.MethodGet, logs, nil)
		if code < http.StatusInternalServerError || kubelet.client.Load() != nil {
			t.Fatalf("without a tunnel: %d %s", code, text)
		}
		openTunnel(t, s, "direct")
	}
	code, _, text := s.do(s.admin(), http.MethodGet, logs, nil)
	if code != http.StatusOK || text != "hello from /containerLogs/default/direct/c" {
		t.Errorf("%d %s", code, text)
	}
	if name := kubelet.client.Load(); name != want {
		t.Errorf("the kubelet saw %v", name)
	}
	upgrade(t, s)
}

// openTunnel is what an agent on the node does.
func openTunnel(t *testing.T, s *instance, name string) {
	authority, err := pki.LoadAuthority(s.tls("client-ca"), "client-ca", 0)
	if err != nil {
		t.Fatal(err)
	}
	chain, key, err := authority.Sign(pki.Request{CN: "system:node:" + name, Org: "system:nodes"})
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, _ := pki.KeyPEM(key)
	pair, err := tls.X509KeyPair(chain, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	pool, _ := s.kubeconfig()
	dialer := &websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}}
	opened := make(chan struct{})
	go remotedialer.ClientConnect(t.Context(), fmt.Sprintf("wss://127.0.0.1:%d/v1-k3s/connect", s.port), nil, dialer,
		func(string, string) bool { return true }, func(context.Context) error { close(opened); return nil })
	select {
	case <-opened:
	case <-time.After(10 * time.Second):
		t.Fatal("no tunnel")
	}
}

// upgrade speaks an unknown protocol to the kubelet, through front and API server.
func upgrade(t *testing.T, s *instance) {
	pool, admin := s.kubeconfig()
	connection, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port), &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{admin.pair}})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(connection, "GET /api/v1/namespaces/default/pods/direct/exec?command=x HTTP/1.1\r\nHost: x\r\n"+
		"Authorization: Basic %s\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", encode(admin.username+":"+admin.password))
	head := make([]byte, 12)
	if _, err := io.ReadFull(connection, head); err != nil || string(head) != "HTTP/1.1 101" {
		t.Fatalf("%s, %v", head, err)
	}
	fmt.Fprint(connection, "over and back")
	all := ""
	for buffer := make([]byte, 256); !strings.Contains(all, "over and back"); {
		n, err := connection.Read(buffer)
		if err != nil {
			t.Fatalf("%q, %v", all, err)
		}
		all += string(buffer[:n])
	}
}

// TestDefaultEgressRefusesKubelets: without an agent the default mode reaches no kubelet.
func TestDefaultEgressRefusesKubelets(t *testing.T) {
	t.Parallel()
	if row.KubeletDial != family.DialSelector {
		t.Skip("older ones have no modes")
	}
	s := newInstance(t)
	s.start()
	s.ready()
	kubelet := startKubelet(t, s)
	code, _, text := s.do(s.admin(), http.MethodGet, kubelet.bind(s, "tunnelled"), nil)
	if code < http.StatusInternalServerError || !strings.Contains(text, "proxy error from") {
		t.Errorf("%d %s", code, text)
	}
	if name := kubelet.client.Load(); name != nil {
		t.Errorf("the kubelet was reached by %v", name)
	}
}
