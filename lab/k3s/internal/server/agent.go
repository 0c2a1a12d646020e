package server

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"virtualcluster/lab/k3s/internal/family"
	"virtualcluster/lab/k3s/internal/pki"
	"virtualcluster/lab/k3s/internal/settings"
)

// agentFiles are what the standalone agent code writes even with --disable-agent.
func agentFiles(s *settings.Server) error {
	etc := filepath.Join(s.DataDir, "agent", "etc")
	if s.Family.KubeletDropIns() {
		etc = filepath.Join(etc, "kubelet.conf.d")
	}
	if err := os.MkdirAll(etc, 0o700); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(s.EtcDir, "node"), 0o755); err != nil {
		return err
	}
	return preshared(filepath.Join(s.EtcDir, "node", "password"), 16)
}

// agentCerts are the CAs and pairs that an agent would have, which modern ones keep even with --disable-agent.
func agentCerts(s *settings.Server, store *pki.Store) error {
	if !s.Family.NodePassword {
		return nil
	}
	agent := func(name string) string { return filepath.Join(s.DataDir, "agent", name) }
	for _, signer := range []family.Signer{family.ServerCA, family.ClientCA} {
		if err := os.WriteFile(agent(string(signer)+".crt"), store.Authorities[signer].PEM, 0o600); err != nil {
			return err
		}
	}
	for _, leaf := range s.Family.AgentLeaves() {
		request := pki.Request{
			Path: agent(leaf.Path), CN: strings.ReplaceAll(leaf.CN, "%s", s.NodeName), Org: leaf.Org, Serving: leaf.Serving,
		}
		if leaf.Serving {
			request.SANs = []string{s.NodeName, "localhost", "127.0.0.1", "::1", s.NodeIP}
		}
		// An agent asks for its certificates at every start.
		if err := os.Remove(request.Path + ".crt"); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := store.Authorities[leaf.Signer].Ensure(request); err != nil {
			return err
		}
		// The agent's code writes what it was sent; certificates are no different from keys there.
		if err := os.Chmod(request.Path+".crt", 0o600); err != nil {
			return err
		}
		if leaf.Kubeconfig == "" {
			continue
		}
		path, address := agent(leaf.Kubeconfig+".kubeconfig"), net.JoinHostPort("127.0.0.1", strconv.Itoa(s.APIServerPort))
		text := fileKubeconfig(address, agent("server-ca.crt"), request.Path)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
