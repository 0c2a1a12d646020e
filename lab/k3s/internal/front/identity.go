package front

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Identity is who a client certificate says is asking.
type Identity struct {
	User       string
	Groups     []string
	Credential string
}

// Verifier turns client certificates into identities.
type Verifier struct {
	Clients  *x509.CertPool // client-ca
	Requests *x509.CertPool // request-header-ca

	mutex    sync.Mutex
	verified map[proof]time.Time // until when a certificate that was verified once is good
}

// proof is a certificate verified against one of the pools.
type proof struct {
	sum   [sha256.Size]byte
	roots *x509.CertPool
}

const remembered = 1000 // certificates; clients keep theirs for hours, so more are a leak or an attack

// Identify returns the identity of a certificate that client-ca signed for client use, else nil.
func (v *Verifier) Identify(request *http.Request) *Identity {
	cert := v.verify(request, v.Clients)
	if cert == nil || cert.Subject.CommonName == "" {
		return nil
	}
	sum := sha256.Sum256(cert.Raw)
	return &Identity{cert.Subject.CommonName, cert.Subject.Organization, "X509SHA256=" + hex.EncodeToString(sum[:])}
}

// isMaster says whether the API server itself asks, which up to 1.21 is in no group, or another client that may do
// everything.
func (v *Verifier) isMaster(request *http.Request) bool {
	identity := v.Identify(request)
	return identity != nil && (identity.User == "kube-apiserver" || slices.Contains(identity.Groups, "system:masters"))
}

// Trusted says whether the client is another front proxy, whose X-Remote headers count.
func (v *Verifier) Trusted(request *http.Request) bool {
	cert := v.verify(request, v.Requests)
	return cert != nil && cert.Subject.CommonName == "system:auth-proxy"
}

func (v *Verifier) verify(request *http.Request, roots *x509.CertPool) *x509.Certificate {
	if request.TLS == nil || len(request.TLS.PeerCertificates) == 0 {
		return nil
	}
	certs := request.TLS.PeerCertificates
	now, key := time.Now(), proof{sha256.Sum256(certs[0].Raw), roots}
	v.mutex.Lock()
	until, known := v.verified[key]
	v.mutex.Unlock()
	if known && now.Before(until) {
		return certs[0]
	}
	between := x509.NewCertPool()
	for _, cert := range certs[1:] {
		between.AddCert(cert)
	}
	_, err := certs[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.verified == nil || len(v.verified) >= remembered {
		v.verified = map[proof]time.Time{}
	}
	v.verified[key] = certs[0].NotAfter
	return certs[0]
}

// strip removes every identity header, however it is spelled: nobody but us may set them.
func strip(header http.Header) {
	for name := range header {
		if strings.HasPrefix(strings.ToLower(name), "x-remote-") {
			delete(header, name)
		}
	}
}

// set states the identity to the API server.
func (i *Identity) set(header http.Header) {
	header.Set("X-Remote-User", i.User)
	for _, group := range i.Groups {
		header.Add("X-Remote-Group", group)
	}
	// The key is authentication.kubernetes.io/credential-id, escaped as header-borne keys must be.
	header.Set("X-Remote-Extra-Authentication.kubernetes.io%2fcredential-Id", i.Credential)
}
