package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"virtualcluster/lab/k3s/internal/family"
)

func open(t *testing.T, dir string, sans ...string) *Store {
	t.Helper()
	row, _, err := family.Of("1.34")
	if err != nil {
		t.Fatal(err)
	}
	store, err := Open(dir, row, sans)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func leaf(t *testing.T, dir, name string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func TestAuthoritiesHaveECKeys(t *testing.T) {
	store := open(t, t.TempDir(), "localhost")
	if len(store.Authorities) != 5 {
		t.Fatalf("%d authorities", len(store.Authorities))
	}
	for name, authority := range store.Authorities {
		if _, ok := authority.Cert.PublicKey.(*ecdsa.PublicKey); !ok || !strings.HasPrefix(authority.Cert.Subject.CommonName, name.Name()+"@") {
			t.Errorf("%s: %s", name, authority.Cert.Subject)
		}
		if authority.Cert.SerialNumber.Sign() != 0 {
			t.Errorf("%s: serial number %s, not k3s' 0", name, authority.Cert.SerialNumber)
		}
		if ago := time.Since(authority.Cert.NotBefore); ago < time.Hour || ago > 2*time.Hour {
			t.Errorf("%s: valid since %s", name, ago)
		}
	}
}

func TestOnlyKeysAreSecret(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, "localhost")
	for pattern, want := range map[string]os.FileMode{"*.crt": 0o644, "*.key": 0o600} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern))
		if len(paths) < 10 {
			t.Errorf("%d of %s", len(paths), pattern)
		}
		for _, path := range paths {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
		}
	}
}

func TestASecondStartKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	contents := func() map[string][]byte {
		all := map[string][]byte{}
		paths, _ := filepath.Glob(filepath.Join(dir, "*.*"))
		for _, path := range paths {
			all[path], _ = os.ReadFile(path)
		}
		return all
	}
	open(t, dir, "localhost")
	first := contents()
	open(t, dir, "localhost")
	for path, content := range contents() {
		if !bytes.Equal(content, first[path]) {
			t.Errorf("%s changed", path)
		}
	}
}

func TestANewNameRenewsServingCertificatesOnly(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, "localhost")
	serving, admin := leaf(t, dir, "serving-kube-apiserver"), leaf(t, dir, "client-admin")
	open(t, dir, "localhost", "10.0.0.1", "new.example")
	renewed := leaf(t, dir, "serving-kube-apiserver")
	if renewed.Equal(serving) || renewed.VerifyHostname("10.0.0.1") != nil || renewed.VerifyHostname("new.example") != nil {
		t.Errorf("names %v %v", renewed.DNSNames, renewed.IPAddresses)
	}
	if !leaf(t, dir, "client-admin").Equal(admin) {
		t.Error("the admin's certificate changed")
	}
}

func TestALostAuthorityRenewsWhatItSigned(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, "localhost")
	for _, name := range []string{"client-ca.crt", "client-ca.key"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	store := open(t, dir, "localhost")
	if err := leaf(t, dir, "client-admin").CheckSignatureFrom(store.Authorities[family.ClientCA].Cert); err != nil {
		t.Error(err)
	}
}

func TestAMemberOfEtcdIsServerAndClient(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, "localhost")
	for name, want := range map[string]struct {
		signer family.Signer
		usages []x509.ExtKeyUsage
	}{
		"etcd/client":             {family.EtcdServerCA, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
		"etcd/server-client":      {family.EtcdServerCA, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}},
		"etcd/peer-server-client": {family.EtcdPeerCA, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}},
	} {
		made := leaf(t, dir, name)
		if err := made.CheckSignatureFrom(store.Authorities[want.signer].Cert); err != nil || !slices.Equal(made.ExtKeyUsage, want.usages) {
			t.Errorf("%s: %v, %v", name, made.ExtKeyUsage, err)
		}
	}
}

func TestAnAgentsKeysHaveNoCertificates(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, "localhost")
	for _, name := range []string{"client-kubelet", "serving-kubelet", "client-kube-proxy", "client-k3s-controller"} {
		if _, err := os.Stat(filepath.Join(dir, name+".key")); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, name+".crt")); !os.IsNotExist(err) {
			t.Errorf("%s.crt: %v", name, err)
		}
	}
}
