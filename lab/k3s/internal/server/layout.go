// Package server puts the parts together in the order in which k3s starts.
package server

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"virtualcluster/lab/k3s/internal/family"
	"virtualcluster/lab/k3s/internal/front"
	"virtualcluster/lab/k3s/internal/logs"
	"virtualcluster/lab/k3s/internal/settings"
)

// directories makes the state directories and proves that what k3s writes is writable, loudly.
func directories(s *settings.Server) error {
	paths := []string{
		s.Path(), s.Path("tls"), s.Path("cred"), s.Path("db"), s.Path("manifests"), s.Path("static", "charts"),
	}
	if s.Family.KubeletDial != family.DialDirect { // see components
		paths = append(paths, s.Path("etc"))
	}
	for _, path := range paths {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
	}
	if err := preshared(s.Path("cred", "ipsec.psk"), 48); err != nil {
		return err
	}
	if s.Family.NodePassword {
		return agentFiles(s)
	}
	return nil
}

// preshared keeps a random text of so many bytes in a file.
func preshared(path string, bytes int) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	raw := make([]byte, bytes)
	if _, err := rand.Read(raw); err != nil {
		return err
	}
	return os.WriteFile(path, fmt.Appendf(nil, "%x\n", raw), 0o600)
}

// credentials writes cred/*.kubeconfig; they name files by absolute path.
func credentials(s *settings.Server) error {
	address, mode := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.APIServerPort)), fs.FileMode(0o600)
	if s.Family.OpenFiles {
		mode = 0o644
	}
	for _, file := range s.Family.Kubeconfigs() {
		text := fileKubeconfig(address, s.Path("tls", "server-ca.crt"), s.Path("tls", file.Leaf))
		if err := os.WriteFile(s.Path("cred", file.Name+".kubeconfig"), []byte(text), mode); err != nil {
			return err
		}
	}
	return nil
}

// fileKubeconfig is a kubeconfig that names the files of a pair.
func fileKubeconfig(address, authority, pair string) string {
	return fmt.Sprintf(`apiVersion: v1
clusters:
- cluster:
    server: https://%s
    certificate-authority: %s
  name: local
contexts:
- context:
    cluster: local
    namespace: default
    user: user
  name: Default
current-context: Default
kind: Config
preferences: {}
users:
- name: user
  user:
    client-certificate: %s
    client-key: %s
`, address, authority, pair+".crt", pair+".key")
}

// kubeconfig writes the admin's file: over the old one, not atomically, as k3s does at every start.
func kubeconfig(s *settings.Server, password string) error {
	encode := func(name string) (string, error) {
		content, err := os.ReadFile(s.Path("tls", name))
		return base64.StdEncoding.EncodeToString(content), err
	}
	ca, err1 := encode("server-ca.crt")
	cert, err2 := encode("client-admin.crt")
	key, err3 := encode("client-admin.key")
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	user := fmt.Sprintf("    client-certificate-data: %s\n    client-key-data: %s\n", cert, key)
	if s.Family.BasicAuth {
		user = fmt.Sprintf("    password: %s\n    username: admin\n", password)
	}
	host := "127.0.0.1"
	if s.BindAddress != "0.0.0.0" && s.BindAddress != "::" {
		host = s.BindAddress
	}
	text := fmt.Sprintf(`apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: %s
    server: https://%s
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
%s`, ca, net.JoinHostPort(host, strconv.Itoa(s.Port)), user)
	if err := os.MkdirAll(filepath.Dir(s.KubeconfigOutput), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(s.KubeconfigOutput, []byte(text), 0o600); err != nil {
		return err
	}
	logs.Info("Wrote kubeconfig %s", s.KubeconfigOutput)
	linkKubeconfig(s)
	if s.KubeconfigMode == "" {
		return nil
	}
	mode, err := strconv.ParseUint(s.KubeconfigMode, 8, 32)
	if err != nil {
		return err
	}
	return os.Chmod(s.KubeconfigOutput, fs.FileMode(mode))
}

// linkKubeconfig tries to make /etc/rancher/k3s/k3s.yaml name the file too; failing is only worth a line.
func linkKubeconfig(s *settings.Server) {
	usual := filepath.Join(s.EtcDir, "k3s", "k3s.yaml")
	if usual == s.KubeconfigOutput {
		return
	}
	if target, err := os.Readlink(usual); err == nil && target == s.KubeconfigOutput {
		return
	}
	err := os.MkdirAll(filepath.Dir(usual), 0o755)
	if err == nil {
		_ = os.Remove(usual)
		err = os.Symlink(s.KubeconfigOutput, usual)
	}
	if err != nil {
		logs.Error("failed to create kubeconfig symlink: %v", err)
	}
}

// encryption writes the provider configuration of --secrets-encryption once; the key must survive restarts.
func encryption(s *settings.Server) error {
	path := s.Path("cred", "encryption-config.json")
	if _, err := os.Stat(path); !s.EncryptSecrets || err == nil {
		return nil
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	type object = map[string]any
	content, err := json.Marshal(object{
		"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1",
		"resources": []object{{"resources": []string{"secrets"}, "providers": []object{
			{"aescbc": object{"keys": []object{{"name": "aescbckey", "secret": base64.StdEncoding.EncodeToString(key)}}}},
			{"identity": object{}},
		}}},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// variables are the names that the tables of component arguments use.
func variables(s *settings.Server, etcd string) map[string]string {
	join := func(list []string) string {
		text := ""
		for i, item := range list {
			if i > 0 {
				text += ","
			}
			text += item
		}
		return text
	}
	return map[string]string{
		"tls": s.Path("tls"), "cred": s.Path("cred"), "etc": s.Path("etc"), "etcd": etcd,
		"domain": s.ClusterDomain, "services": join(s.ServiceCIDR), "pods": join(s.ClusterCIDR),
		"nodeports": s.NodePorts, "advertise": s.AdvertiseAddress,
		"apiserver-bind": s.APIServerBind, "apiserver-port": strconv.Itoa(s.APIServerPort),
		"v": strconv.Itoa(s.Verbosity), "vmodule": s.VModule,
	}
}

// conditions are the When's that hold.
func conditions(s *settings.Server) []string {
	held := []string{}
	for condition, holds := range map[string]bool{
		family.WithEgress:     s.Family.KubeletDial == family.DialSelector && s.EgressMode != "disabled",
		family.WithTunnel:     s.Family.KubeletDial == family.DialTunnel,
		family.WithoutLeaders: s.DatastoreEndpoint == "",
		family.WithCloud:      !s.DisableCloud,
		family.WithEncryption: s.EncryptSecrets,
		"v":                   s.Verbosity != 0,
		"vmodule":             s.VModule != "",
	} {
		if holds {
			held = append(held, condition)
		}
	}
	return held
}

// components writes the configuration files of components, which the families before these flags have not.
func components(s *settings.Server) error {
	if s.Family.KubeletDial == family.DialDirect {
		return nil
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
	text := front.SelectorConfig(address, s.Path("tls"), s.Family.KubeletDial == family.DialTunnel)
	if err := os.WriteFile(s.Path("etc", "egress-selector-config.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	if s.Family.KubeletDial == family.DialTunnel {
		return nil
	}
	cloud, err := json.Marshal(map[string]any{"lbEnabled": !s.IsDisabled("servicelb"), "nodeEnabled": !s.DisableCloud})
	if err != nil {
		return err
	}
	return os.WriteFile(s.Path("etc", "cloud-config.yaml"), cloud, 0o600)
}
