package integration

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// admins is who the kubeconfig says one is: a certificate, or a password.
type admins struct {
	pair               tls.Certificate
	username, password string
}

// kubeconfig reads the CA and the administrator from the written file.
func (s *instance) kubeconfig() (*x509.CertPool, admins) {
	s.t.Helper()
	var config struct {
		Clusters []struct{ Cluster map[string]string }
		Users    []struct{ User map[string]string }
	}
	content, err := os.ReadFile(s.path("kc/kube-config.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		s.t.Fatal(err)
	}
	decode := func(text string) []byte {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			s.t.Fatal(err)
		}
		return raw
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(decode(config.Clusters[0].Cluster["certificate-authority-data"]))
	user := config.Users[0].User
	if row.BasicAuth {
		return pool, admins{username: user["username"], password: user["password"]}
	}
	pair, err := tls.X509KeyPair(decode(user["client-certificate-data"]), decode(user["client-key-data"]))
	if err != nil {
		s.t.Fatal(err)
	}
	return pool, admins{pair: pair}
}

// client makes an HTTP client of the front; certificate may be nil.
func (s *instance) client(certificates ...tls.Certificate) *http.Client {
	s.t.Helper()
	pool, _ := s.kubeconfig()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certificates}, ForceAttemptHTTP2: true}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

func (s *instance) admin() *http.Client {
	s.t.Helper()
	_, admin := s.kubeconfig()
	if admin.password == "" {
		return s.client(admin.pair)
	}
	client := s.client()
	client.Transport = withPassword{client.Transport, admin}
	return client
}

// withPassword says who asks, as clients of k3s up to 1.18 do.
type withPassword struct {
	http.RoundTripper
	admins
}

func (w withPassword) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Header.Get("Authorization") == "" {
		request = request.Clone(request.Context())
		request.SetBasicAuth(w.username, w.password)
	}
	return w.RoundTripper.RoundTrip(request)
}

func (s *instance) url(path string) string { return "https://127.0.0.1:" + strconv.Itoa(s.port) + path }

// do makes a request and returns the status and the decoded body.
func (s *instance) do(client *http.Client, method, path string, body any, header ...string) (int, object, string) {
	s.t.Helper()
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		reader = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url(path), reader)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer response.Body.Close()
	content, _ := io.ReadAll(response.Body)
	var decoded object
	_ = json.Unmarshal(content, &decoded)
	return response.StatusCode, decoded, string(content)
}

// must is do as the admin, which has to succeed.
func (s *instance) must(method, path string, body any) object {
	s.t.Helper()
	code, decoded, text := s.do(s.admin(), method, path, body)
	if code >= http.StatusBadRequest || code == 0 {
		s.t.Fatalf("%s %s: %d %s", method, path, code, text)
	}
	return decoded
}

func at(value any, keys ...string) any {
	for _, key := range keys {
		inner, _ := value.(object)
		value = inner[key]
	}
	return value
}
