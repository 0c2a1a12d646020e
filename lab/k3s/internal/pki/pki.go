// Package pki makes and keeps the certificates of a k3s server: three CAs with EC keys and the pairs they sign.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	authorityLife = 3650 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	renewBefore   = 90 * 24 * time.Hour // k3s renews at start only, when less than this is left
)

// Authority is a CA that can sign.
type Authority struct {
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
	PEM  []byte
}

// Hash is what a token of the K10 form names the CA by.
func (a *Authority) Hash() string {
	sum := sha256.Sum256(a.PEM)
	return hex.EncodeToString(sum[:])
}

// Pool returns a pool of just this CA.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Cert)
	return pool
}

// LoadAuthority reads <path>.crt and <path>.key, or makes them, named <name>@<now> and valid from so long ago.
func LoadAuthority(path, name string, backdate time.Duration) (*Authority, error) {
	if cert, err := os.ReadFile(path + ".crt"); err == nil {
		key, err := os.ReadFile(path + ".key")
		if err != nil {
			return nil, err
		}
		return parseAuthority(cert, key)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		// Not a serial number by RFC 5280, but that of all of k3s' authorities.
		SerialNumber: new(big.Int), Subject: pkix.Name{CommonName: fmt.Sprintf("%s@%d", name, now.Unix())},
		NotBefore: now.Add(-backdate).UTC(), NotAfter: now.Add(authorityLife - backdate).UTC(), IsCA: true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	authority := &Authority{Key: key, PEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	if authority.Cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	return authority, writePair(path, authority.PEM, key)
}

func parseAuthority(certPEM, keyPEM []byte) (*Authority, error) {
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, errors.New("CA files hold no PEM")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	return &Authority{Cert: cert, Key: key, PEM: certPEM}, err
}

// Request says what a leaf certificate must be.
type Request struct {
	Path, CN, Org string
	Serving, Both bool // else a client's
	SANs          []string
}

// Ensure keeps a good pair at the request's path: an existing one is kept unless it is about to expire, is signed by
// another CA, or lacks a name.
func (a *Authority) Ensure(request Request) error {
	if a.good(request) {
		return nil
	}
	chain, key, err := a.Sign(request)
	if err != nil {
		return err
	}
	return writePair(request.Path, chain, key)
}

func (a *Authority) good(request Request) bool {
	content, err := os.ReadFile(request.Path + ".crt")
	if err != nil {
		return false
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || cert.CheckSignatureFrom(a.Cert) != nil || time.Until(cert.NotAfter) < renewBefore {
		return false
	}
	_, err = os.Stat(request.Path + ".key")
	return err == nil && !slices.ContainsFunc(request.SANs, func(san string) bool { return !Names(cert, san) })
}

// Names says whether the certificate carries exactly this name or address.
func Names(cert *x509.Certificate, san string) bool {
	if ip := net.ParseIP(san); ip != nil {
		return slices.ContainsFunc(cert.IPAddresses, ip.Equal)
	}
	return slices.Contains(cert.DNSNames, san)
}

// Sign makes a new key and a certificate for it; the chain is leaf then CA.
func (a *Authority) Sign(request Request) ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: request.CN},
		NotBefore: a.Cert.NotBefore, NotAfter: time.Now().Add(leafLife).UTC(),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if request.Org != "" {
		template.Subject.Organization = []string{request.Org}
	}
	if request.Serving {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if request.Both {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	for _, san := range request.SANs {
		if ip := net.ParseIP(san); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, san)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Cert, key.Public(), a.Key)
	if err != nil {
		return nil, nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), a.PEM...), key, nil
}

// KeyPEM encodes a key as k3s stores it.
func KeyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), err
}

func writePair(path string, cert []byte, key *ecdsa.PrivateKey) error {
	// As k3s does, like the modes below: the directory that all of these are in is 0700.
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	encoded, err := KeyPEM(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".key", encoded, 0o600); err != nil {
		return err
	}
	return os.WriteFile(path+".crt", cert, 0o644)
}

func serial() *big.Int {
	number, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		panic(err) // the system has no randomness: nothing can be done
	}
	return number
}
