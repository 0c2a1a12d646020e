// Package front is the TLS listener that k3s' users see: the serving certificate, the supervisor's own paths, and
// the way on to the API server.
package front

import (
	"crypto/sha1" //nolint:gosec // a fingerprint annotation, as k3s writes it
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"virtualcluster/lab/k3s/internal/kube"
	"virtualcluster/lab/k3s/internal/pki"
)

const (
	namePrefix  = "listener.cattle.io/cn-"
	fingerprint = "listener.cattle.io/fingerprint"
)

// Certificate is the serving certificate. Its names only ever grow: what was stored stays (k3s issue 3369).
type Certificate struct {
	file      string
	authority *pki.Authority
	onTheFly  bool
	mode      fs.FileMode

	mutex   sync.RWMutex
	names   map[string]bool
	pair    *tls.Certificate
	chain   []byte
	keyPEM  []byte
	Changed chan struct{} // holds a signal after a change
}

// OpenCertificate loads the stored certificate and makes sure that it has the names.
func OpenCertificate(
	file string, authority *pki.Authority, onTheFly, readable bool, names []string,
) (*Certificate, error) {
	c := &Certificate{file: file, authority: authority, onTheFly: onTheFly, mode: mode(readable), names: map[string]bool{},
		Changed: make(chan struct{}, 1)}
	if content, err := os.ReadFile(file); err == nil {
		var secret kube.Object
		if json.Unmarshal(content, &secret) == nil {
			c.load(secret)
		}
	}
	return c, c.Add(names...)
}

func mode(readable bool) fs.FileMode {
	if readable {
		return 0o644
	}
	return 0o600
}

func (c *Certificate) load(secret kube.Object) {
	for _, name := range SecretNames(secret) {
		c.names[name] = true
	}
	chain, key := data(secret, "tls.crt"), data(secret, "tls.key")
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return
	}
	if pair.Leaf.CheckSignatureFrom(c.authority.Cert) == nil && time.Until(pair.Leaf.NotAfter) > 90*24*time.Hour {
		c.pair, c.chain, c.keyPEM = &pair, chain, key
	}
}

// Add makes sure that the certificate carries the names, and stores it when it had to be made anew.
func (c *Certificate) Add(names ...string) error {
	c.mutex.Lock()
	changed := c.pair == nil
	for _, name := range names {
		changed = changed || name != "" && !pki.Names(c.pair.Leaf, name)
		if name != "" {
			c.names[name] = true
		}
	}
	if !changed {
		c.mutex.Unlock()
		return nil
	}
	err := c.renew()
	c.mutex.Unlock()
	select {
	case c.Changed <- struct{}{}:
	default:
	}
	return err
}

func (c *Certificate) renew() error {
	chain, key, err := c.authority.Sign(pki.Request{
		CN: "k3s", Org: "k3s", Serving: true, SANs: slices.Sorted(maps.Keys(c.names)),
	})
	if err != nil {
		return err
	}
	keyPEM, err := pki.KeyPEM(key)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(chain, keyPEM)
	if err != nil {
		return err
	}
	c.pair, c.chain, c.keyPEM = &pair, chain, keyPEM
	content, err := json.Marshal(c.secret())
	if err != nil {
		return err
	}
	return os.WriteFile(c.file, content, c.mode)
}

// Secret returns the object kube-system/k3s-serving.
func (c *Certificate) Secret() kube.Object {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	return c.secret()
}

func (c *Certificate) secret() kube.Object {
	sum := sha1.Sum(c.pair.Leaf.Raw) //nolint:gosec // see above
	annotations := kube.Object{fingerprint: "SHA1=" + strings.ToUpper(hex.EncodeToString(sum[:]))}
	for name := range c.names {
		annotations[annotation(name)] = name
	}
	return kube.Object{
		"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
		"metadata": kube.Object{"name": "k3s-serving", "namespace": "kube-system", "annotations": annotations},
		"data":     kube.Object{"tls.crt": c.chain, "tls.key": c.keyPEM},
	}
}

// annotation is the key for a name; annotation keys take neither colons nor more than 63 characters.
func annotation(name string) string {
	if len(name) <= 41 && !strings.Contains(name, ":") {
		return namePrefix + name
	}
	sum := sha256.Sum256([]byte(name))
	clean := strings.ReplaceAll(name, ":", "_")
	return namePrefix + clean[:min(len(clean), 32)] + "-" + hex.EncodeToString(sum[:])[:6]
}

// SecretNames returns the names that a stored certificate was made for.
func SecretNames(secret kube.Object) []string {
	metadata, _ := secret["metadata"].(kube.Object)
	annotations, _ := metadata["annotations"].(kube.Object)
	var names []string
	for key, value := range annotations {
		if name, ok := value.(string); ok && strings.HasPrefix(key, namePrefix) {
			names = append(names, name)
		}
	}
	return names
}

func data(secret kube.Object, key string) []byte {
	raw, _ := base64.StdEncoding.DecodeString(kube.String(secret, "data", key))
	return raw
}

// Get answers a handshake. Families up to 1.27 take up the name that the client asks for; later ones never do.
func (c *Certificate) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.onTheFly {
		local, _, _ := net.SplitHostPort(hello.Conn.LocalAddr().String())
		if err := c.Add(local, hello.ServerName); err != nil {
			return nil, fmt.Errorf("adding names: %w", err)
		}
	}
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	return c.pair, nil
}

// Leaf returns the certificate as it is now.
func (c *Certificate) Leaf() *x509.Certificate {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	return c.pair.Leaf
}
