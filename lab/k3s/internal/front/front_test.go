package front

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtualcluster/lab/k3s/internal/pki"
)

func authority(t *testing.T, name string) *pki.Authority {
	t.Helper()
	made, err := pki.LoadAuthority(filepath.Join(t.TempDir(), name), name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func client(t *testing.T, signer *pki.Authority, cn, org string, serving bool) *x509.Certificate {
	t.Helper()
	chain, key, err := signer.Sign(pki.Request{CN: cn, Org: org, Serving: serving})
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, _ := pki.KeyPEM(key)
	pair, err := tls.X509KeyPair(chain, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func TestOnlyClientCertificatesOfTheRightCAHaveAnIdentity(t *testing.T) {
	clients, requests, server := authority(t, "client-ca"), authority(t, "request-header-ca"), authority(t, "server-ca")
	verifier := &Verifier{Clients: clients.Pool(), Requests: requests.Pool()}
	for name, test := range map[string]struct {
		cert    *x509.Certificate
		user    string
		trusted bool
	}{
		"none":               {nil, "", false},
		"client":             {client(t, clients, "system:admin", "system:masters", false), "system:admin", false},
		"serving use only":   {client(t, clients, "system:admin", "system:masters", true), "", false},
		"another CA":         {client(t, server, "system:admin", "system:masters", false), "", false},
		"front proxy":        {client(t, requests, "system:auth-proxy", "", false), "", true},
		"not the front name": {client(t, requests, "somebody", "", false), "", false},
	} {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.TLS = &tls.ConnectionState{}
		if test.cert != nil {
			request.TLS.PeerCertificates = []*x509.Certificate{test.cert}
		}
		user := ""
		if identity := verifier.Identify(request); identity != nil {
			user = identity.User
		}
		if user != test.user || verifier.Trusted(request) != test.trusted {
			t.Errorf("%s: %q, trusted %v", name, user, verifier.Trusted(request))
		}
	}
}

func TestIdentityHeadersAreStripped(t *testing.T) {
	header := http.Header{"X-Remote-User": {"root"}, "x-remote-group": {"system:masters"}, "X-REMOTE-Extra-a": {"b"}, "Accept": {"*/*"}}
	strip(header)
	if len(header) != 1 {
		t.Errorf("%v", header)
	}
}

func TestTheCertificateOnlyGainsNames(t *testing.T) {
	file, signer := filepath.Join(t.TempDir(), "dynamic-cert.json"), authority(t, "server-ca")
	open := func(names ...string) *Certificate {
		certificate, err := OpenCertificate(file, signer, false, false, names)
		if err != nil {
			t.Fatal(err)
		}
		return certificate
	}
	first := open("localhost", "old.example", "::1").Leaf()
	second := open("localhost", "new.example").Leaf()
	for _, name := range []string{"localhost", "old.example", "new.example"} {
		if second.VerifyHostname(name) != nil {
			t.Errorf("%s is missing", name)
		}
	}
	if first.VerifyHostname("new.example") == nil || second.VerifyHostname("other.example") == nil {
		t.Error("a name came from nowhere")
	}
	if third := open("localhost").Leaf(); !third.Equal(second) {
		t.Error("a certificate that has all names was made anew")
	}
}

func TestSecretRemembersTheNames(t *testing.T) {
	long := strings.Repeat("a", 60) + ".example"
	certificate, err := OpenCertificate(filepath.Join(t.TempDir(), "c.json"), authority(t, "ca"), false, false, []string{"fd00::1", long, "a.b"})
	if err != nil {
		t.Fatal(err)
	}
	names := SecretNames(certificate.Secret())
	slices.Sort(names)
	if want := []string{"a.b", long, "fd00::1"}; !slices.Equal(names, want) {
		t.Errorf("%v", names)
	}
	for key := range certificate.Secret()["metadata"].(map[string]any)["annotations"].(map[string]any) {
		if _, name, _ := strings.Cut(key, "/"); len(name) > 63 || strings.Contains(name, ":") {
			t.Errorf("annotation %s", key)
		}
	}
}

type oneNode struct{}

func (oneNode) Find(address string) (string, string, bool) {
	return "n1", "10350", address == "10.9.9.9"
}

func TestEgressRefusesKubelets(t *testing.T) {
	clients := authority(t, "client-ca")
	egress := &Egress{Verifier: &Verifier{Clients: clients.Pool(), Requests: clients.Pool()}, Nodes: oneNode{}, OwnNode: "self"}
	admin := client(t, clients, "system:apiserver", "system:masters", false)
	for target, want := range map[string]int{
		"10.9.9.9:10350":        http.StatusInternalServerError,
		"kubelet.example:10350": http.StatusInternalServerError,
		"127.0.0.1:1":           http.StatusInternalServerError, // dialed, nobody there
		"no-port":               http.StatusBadRequest,
	} {
		request := httptest.NewRequest(http.MethodConnect, "/", nil)
		request.Host, request.TLS = target, &tls.ConnectionState{PeerCertificates: []*x509.Certificate{admin}}
		response := httptest.NewRecorder()
		egress.ServeHTTP(response, request)
		refused := strings.Contains(response.Body.String(), "failed to find Session for client")
		if response.Code != want || refused != strings.Contains(target, "10350") {
			t.Errorf("%s: %d %s", target, response.Code, response.Body)
		}
	}
	response := httptest.NewRecorder()
	egress.ServeHTTP(response, httptest.NewRequest(http.MethodConnect, "/", nil))
	if response.Code != http.StatusUnauthorized {
		t.Errorf("without certificate: %d", response.Code)
	}
}

// TestNamesOnTheFly: until 1.27 a name asked for by SNI is taken up in the same handshake, later it is not.
func TestNamesOnTheFly(t *testing.T) {
	for _, onTheFly := range []bool{true, false} {
		signer := authority(t, "server-ca")
		certificate, err := OpenCertificate(filepath.Join(t.TempDir(), "c.json"), signer, onTheFly, false, []string{"localhost"})
		if err != nil {
			t.Fatal(err)
		}
		listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: certificate.Get})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					return
				}
				_ = connection.(*tls.Conn).Handshake()
				connection.Close()
			}
		}()
		for _, name := range []string{"new.team-x.svc", "localhost"} {
			connection, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{RootCAs: signer.Pool(), ServerName: name})
			if (err == nil) != (onTheFly || name == "localhost") {
				t.Errorf("on the fly %v, %s: %v", onTheFly, name, err)
			}
			if err == nil {
				connection.Close()
			}
		}
		listener.Close()
	}
}
