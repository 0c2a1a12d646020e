package integration

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"virtualcluster/lab/k3s/internal/family"
)

// TestServer runs one server and looks at it from many sides.
func TestServer(t *testing.T) {
	t.Parallel()
	s := newInstance(t, append(direct(), "--tls-san=virtual.team-x.svc", "--tls-san=10.1.2.3",
		"--kube-apiserver-arg=kubelet-preferred-address-types=Hostname,InternalIP", "--kube-apiserver-arg=profiling=true")...)
	if row.Minor >= 22 {
		s.args = append(s.args, "--disable-helm-controller")
	}
	s.start()
	s.ready()
	extra := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {a: '1'}\n"
	if err := os.WriteFile(s.path("data/server/manifests/extra.yaml"), []byte(extra), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(*testing.T, *instance){
		"kubectl":       kubectl,
		"authenticates": authenticates,
		"names":         names,
		"tokens":        tokens,
		"watches":       watches,
		"files":         files,
		"components":    components,
		"packaged":      packaged,
		"nodes":         nodes,
		"kubelets":      kubelets,
		"endpoints":     endpoints,
	} {
		t.Run(name, func(t *testing.T) {
			copied := *s
			copied.t = t
			test(t, &copied)
		})
	}
	// k3s looks at its manifests every 15 s.
	s.eventually("extra manifest", 60*time.Second, func() error {
		if code, _, text := s.do(s.admin(), http.MethodGet, "/api/v1/namespaces/default/configmaps/extra", nil); code != http.StatusOK {
			return fmt.Errorf("%d %s", code, text)
		}
		return nil
	})
}

func kubectl(t *testing.T, s *instance) {
	command := exec.Command(binary, "kubectl", "get", "namespaces", "-o", "name")
	command.Env = append(s.env(), "KUBECONFIG="+s.path("kc/kube-config.yaml"))
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "namespace/kube-system") {
		t.Errorf("%s, %v", out, err)
	}
	if version := s.must(http.MethodGet, "/version", nil); version["gitVersion"] != release || version["minor"] != strconv.Itoa(row.Minor) {
		t.Errorf("%v", version)
	}
}

func authenticates(t *testing.T, s *instance) {
	nobody := s.client()
	for path, want := range map[string]int{
		"/ping": 200, "/cacerts": 200, "/version": 401, "/healthz": 401, "/livez": 401, "/readyz": 401, "/metrics": 401,
		"/api": 401, "/v1-k3s/readyz": row.Unwelcome, "/v1-k3s/connect": row.Unwelcome,
	} {
		if code, _, text := s.do(nobody, http.MethodGet, path, nil); code != want {
			t.Errorf("%s without credentials: %d %s", path, code, text)
		}
	}
	if _, status, _ := s.do(nobody, http.MethodGet, "/api", nil); status["kind"] != "Status" || status["reason"] != "Unauthorized" {
		t.Errorf("refusal %v", status)
	}
	// Nobody may say who they are.
	code, _, text := s.do(nobody, http.MethodGet, "/api", nil, "X-Remote-User", "system:admin", "X-Remote-Group", "system:masters")
	if code != http.StatusUnauthorized {
		t.Errorf("forged headers: %d %s", code, text)
	}
	// A certificate for serving, of another CA, is no identity.
	wrong, err := tls.LoadX509KeyPair(s.tls("serving-kube-apiserver.crt"), s.tls("serving-kube-apiserver.key"))
	if err != nil {
		t.Fatal(err)
	}
	if code, _, text := s.do(s.client(wrong), http.MethodGet, "/api", nil); code != http.StatusUnauthorized {
		t.Errorf("wrong CA: %d %s", code, text)
	}
	if code, _, text := s.do(nobody, http.MethodGet, "/v1-k3s/readyz", nil, "Authorization", "Basic "+basic(s)); code != http.StatusOK {
		t.Errorf("supervisor: %d %s", code, text)
	}
	code, _, text = s.do(s.admin(), http.MethodGet, "/api/v1/secrets", nil, "Impersonate-User", "jane")
	if code != http.StatusForbidden || !strings.Contains(text, `User \"jane\"`) {
		t.Errorf("impersonation: %d %s", code, text)
	}
	if row.Minor < 28 {
		return // the API says nobody who they are
	}
	who := func(header ...string) object {
		_, review, text := s.do(s.admin(), http.MethodPost, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
			object{"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}, header...)
		info, _ := at(review, "status", "userInfo").(object)
		if info == nil {
			t.Fatal(text)
		}
		return info
	}
	info := who("X-Remote-Group", "forged")
	if info["username"] != "system:admin" || fmt.Sprint(info["groups"]) != "[system:masters system:authenticated]" {
		t.Errorf("%v", info)
	}
	if fmt.Sprint(at(info, "extra", "authentication.kubernetes.io/credential-id")) == "<nil>" {
		t.Errorf("no credential id: %v", info)
	}
}

func names(t *testing.T, s *instance) {
	pool, _ := s.kubeconfig()
	for name, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "kubernetes.default.svc": true, "kubernetes.default.svc.cluster.local": true,
		"10.96.0.1": true, "virtual.team-x.svc": true, "10.1.2.3": true,
		// Names come with the handshake, addresses do not.
		"unlisted.team-x.svc": row.SANOnTheFly, "10.1.2.4": false,
	} {
		config := &tls.Config{RootCAs: pool, ServerName: name}
		connection, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port), config)
		if err == nil {
			connection.Close()
		}
		if (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	secret := s.made("/api/v1/namespaces/kube-system/secrets/k3s-serving")
	annotations, _ := at(secret, "metadata", "annotations").(object)
	if annotations["listener.cattle.io/cn-virtual.team-x.svc"] != "virtual.team-x.svc" || secret["type"] != "kubernetes.io/tls" {
		t.Errorf("%v", annotations)
	}
}

func tokens(t *testing.T, s *instance) {
	request := object{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": object{"expirationSeconds": 3600}}
	s.eventually("service account", 60*time.Second, func() error {
		code, _, text := s.do(s.admin(), http.MethodGet, "/api/v1/namespaces/default/serviceaccounts/default", nil)
		if code != http.StatusOK {
			return fmt.Errorf("%d %s", code, text)
		}
		return nil
	})
	answer := s.must(http.MethodPost, "/api/v1/namespaces/default/serviceaccounts/default/token", request)
	token, _ := at(answer, "status", "token").(string)
	audiences := "[https://kubernetes.default.svc.cluster.local k3s]"
	if row.Minor < 20 {
		audiences = "[unknown]"
	}
	if fmt.Sprint(at(answer, "spec", "audiences")) != audiences {
		t.Errorf("audiences %v", at(answer, "spec", "audiences"))
	}
	code, _, text := s.do(s.client(), http.MethodGet, "/api/v1/secrets", nil, "Authorization", "Bearer "+token)
	if code != http.StatusForbidden || !strings.Contains(text, "system:serviceaccount:default:default") {
		t.Errorf("secrets with the token: %d %s", code, text)
	}
	if code, _, _ := s.do(s.client(), http.MethodGet, "/api", nil, "Authorization", "Bearer nonsense"); code != http.StatusUnauthorized {
		t.Errorf("nonsense token: %d", code)
	}
}

// watches: an event arrives at once, through a stream that is not buffered.
func watches(t *testing.T, s *instance) {
	response, err := s.admin().Get(s.url("/api/v1/namespaces/default/configmaps?watch=true"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 {
		t.Errorf("protocol %s", response.Proto)
	}
	lines := make(chan string, 16)
	go func() {
		for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	begin := time.Now()
	s.must(http.MethodPost, "/api/v1/namespaces/default/configmaps",
		object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": "seen"}})
	for deadline := time.After(5 * time.Second); ; {
		select {
		case line := <-lines:
			if strings.Contains(line, `"name":"seen"`) {
				t.Logf("event after %s", time.Since(begin).Round(time.Millisecond))
				return
			}
		case <-deadline:
			t.Fatal("no event")
		}
	}
}

func files(t *testing.T, s *instance) {
	names := []string{
		"tls/server-ca.crt", "tls/server-ca.key", "tls/client-ca.key", "tls/request-header-ca.key", "tls/client-admin.crt",
		"tls/client-admin.key", "tls/serving-kube-apiserver.crt", "tls/client-kube-apiserver.key", "tls/service.key",
		"tls/client-auth-proxy.crt", "tls/dynamic-cert.json", "cred/admin.kubeconfig", "cred/passwd", "token",
		"manifests/coredns.yaml",
		"cred/ipsec.psk",
	}
	if row.KubeletDial == family.DialSelector {
		names = append(names, "etc/egress-selector-config.yaml", "db/bootstrap.sealed", "tls/service.current.key")
	}
	for _, name := range names {
		info, err := os.Stat(s.path("data/server/" + name))
		if err != nil || info.Mode().Perm() != mode(name) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	for _, name := range []string{"", "tls", "cred", "db"} {
		if info, err := os.Stat(s.path("data/server/" + name)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s/: %v, %v", name, info, err)
		}
	}
	if target, err := os.Readlink(s.path("data/server/node-token")); err != nil || target != s.path("data/server/token") {
		t.Errorf("node-token: %s, %v", target, err)
	}
	if _, err := os.Stat(s.path("data/server/db/state.db")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.path("etc/node/password")); (err == nil) != row.NodePassword {
		t.Error(err)
	}
	apiServer := "system:apiserver,O=system:masters"
	if row.Minor < 22 {
		apiServer = "kube-apiserver" // in no group
	}
	if row.NodePassword {
		for _, name := range []string{"client-kubelet", "serving-kubelet", "client-kube-proxy", "client-k3s-controller"} {
			if _, err := tls.LoadX509KeyPair(s.path("data/agent/"+name+".crt"), s.path("data/agent/"+name+".key")); err != nil {
				t.Error(err)
			}
		}
	}
	if target, err := os.Readlink(s.path("etc/k3s/k3s.yaml")); err != nil || target != s.path("kc/kube-config.yaml") {
		t.Errorf("the usual kubeconfig: %s, %v", target, err)
	}
	for leaf, want := range map[string]string{
		"client-kube-apiserver": "CN=" + apiServer + " of k3s-client-ca",
		"client-admin":          "CN=system:admin,O=system:masters of k3s-client-ca",
		"client-auth-proxy":     "CN=system:auth-proxy of k3s-request-header-ca",
	} {
		content, _ := os.ReadFile(s.tls(leaf + ".crt"))
		block, rest := pem.Decode(content)
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		issuer, _, _ := strings.Cut(cert.Issuer.CommonName, "@")
		if got := cert.Subject.String() + " of " + issuer; got != want || len(rest) == 0 {
			t.Errorf("%s: %s", leaf, got)
		}
	}
	admin, _ := os.ReadFile(s.path("data/server/cred/admin.kubeconfig"))
	if !filepath.IsAbs(s.tls("client-admin.crt")) || !strings.Contains(string(admin), s.tls("client-admin.crt")) {
		t.Errorf("%s", admin)
	}
}

// mode is what a file below server/ may be read by.
func mode(name string) os.FileMode {
	open := strings.HasSuffix(name, ".kubeconfig") || strings.HasSuffix(name, "dynamic-cert.json")
	if strings.HasSuffix(name, ".crt") || open && row.OpenFiles {
		return 0o644
	}
	return 0o600
}

func components(t *testing.T, s *instance) {
	lines := strings.Split(s.own(), "\n")
	running := func(name string) string {
		i := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, "Running "+name) })
		return lines[max(i, 0)]
	}
	api, controllers := running("kube-apiserver"), running("kube-controller-manager")
	for _, want := range []string{"--anonymous-auth=false ", "--profiling=true ", "--kubelet-preferred-address-types=Hostname,InternalIP "} {
		if !strings.Contains(api, want) || strings.Count(api, strings.SplitAfter(want, "=")[0]) != 1 {
			t.Errorf("%s in %s", want, api)
		}
	}
	if strings.Contains(api, "egress-selector") != (row.KubeletDial == family.DialTunnel) {
		t.Errorf("egress selector: %s", api)
	}
	if !strings.Contains(controllers, "--controllers=*,-nodeipam") || !strings.Contains(controllers, "--leader-elect=false") {
		t.Error(controllers)
	}
	if !strings.Contains(lines[0], "STAND-IN") {
		t.Errorf("first line %s", lines[0])
	}
}

func basic(s *instance) string {
	content, _ := os.ReadFile(s.path("data/server/token"))
	_, credentials, _ := strings.Cut(strings.TrimSpace(string(content)), "::")
	return encode(credentials)
}
