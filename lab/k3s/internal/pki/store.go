package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"virtualcluster/lab/k3s/internal/family"
)

// Store is the directory server/tls.
type Store struct {
	Dir         string
	Authorities map[family.Signer]*Authority
}

// Open makes or loads everything under dir that the family has, in parallel: the RSA key of service accounts takes
// longer than all the rest.
func Open(dir string, row *family.Family, sans []string) (*Store, error) {
	store := &Store{Dir: dir, Authorities: map[family.Signer]*Authority{}}
	if err := os.MkdirAll(filepath.Join(dir, "temporary-certs"), 0o700); err != nil {
		return nil, err
	}
	var work sync.WaitGroup
	var keyErr error
	work.Go(func() { keyErr = serviceKey(dir, row.Chains()) })
	err := store.certificates(row, sans)
	work.Wait()
	return store, errors.Join(err, keyErr)
}

func (s *Store) certificates(row *family.Family, sans []string) error {
	for _, name := range row.Signers() {
		authority, err := LoadAuthority(filepath.Join(s.Dir, string(name)), name.Name(), row.Backdate)
		if err != nil {
			return err
		}
		s.Authorities[name] = authority
		if row.Chains() && (name == family.ServerCA || name == family.ClientCA) {
			if err := os.WriteFile(filepath.Join(s.Dir, string(name)+".nochain.crt"), authority.PEM, 0o644); err != nil {
				return err
			}
		}
	}
	for _, leaf := range row.Leaves() {
		request := Request{Path: filepath.Join(s.Dir, leaf.Path), CN: leaf.CN, Org: leaf.Org, Serving: leaf.Serving,
			Both: leaf.Both, SANs: leaf.SANs}
		if leaf.Serving && leaf.SANs == nil {
			request.SANs = sans
		}
		if err := s.Authorities[leaf.Signer].Ensure(request); err != nil {
			return err
		}
	}
	for _, name := range row.LooseKeys() {
		path := filepath.Join(s.Dir, name+".key")
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		_, key, err := s.Authorities[family.ClientCA].Sign(Request{CN: "unused"})
		if err != nil {
			return err
		}
		encoded, err := KeyPEM(key)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, encoded, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// serviceKey keeps service.key (RSA, signs and verifies tokens) and, where the family has it, service.current.key.
func serviceKey(dir string, current bool) error {
	path := filepath.Join(dir, "service.key")
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return err
		}
		content = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if !current {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, "service.current.key"), content, 0o600)
}
