package family

import "strings"

// Signer names one of the CAs by its path below tls/.
type Signer string

// The CAs: the first three every family has, those of etcd since 1.19, whatever the datastore is.
const (
	ServerCA     Signer = "server-ca"
	ClientCA     Signer = "client-ca"
	RequestCA    Signer = "request-header-ca"
	EtcdServerCA Signer = "etcd/server-ca"
	EtcdPeerCA   Signer = "etcd/peer-ca"
)

// Name is what the CA's common name begins with.
func (s Signer) Name() string {
	if name, found := strings.CutPrefix(string(s), "etcd/"); found {
		return "etcd-" + name
	}
	return "k3s-" + string(s)
}

// Signers returns the CAs of this family.
func (f *Family) Signers() []Signer {
	signers := []Signer{ServerCA, ClientCA, RequestCA}
	if since(19).Has(f.Minor) {
		signers = append(signers, EtcdServerCA, EtcdPeerCA)
	}
	return signers
}

// Leaf is a certificate and key pair that k3s keeps under server/tls.
type Leaf struct {
	Path    string // below tls/, without .crt and .key
	CN      string
	Org     string
	Signer  Signer
	Serving bool
	// Both: for servers and for clients, as members of an etcd are to each other.
	Both bool
	// SANs are its names; those of the server where it is a server's and there are none.
	SANs []string
	Span Span
}

// Leaves returns the pairs of this family.
func (f *Family) Leaves() []Leaf {
	var known []Leaf
	for _, leaf := range leaves {
		if leaf.Span.Has(f.Minor) {
			known = append(known, leaf)
		}
	}
	return known
}

var leaves = []Leaf{
	{Path: "client-admin", CN: "system:admin", Org: "system:masters", Signer: ClientCA},
	{Path: "client-supervisor", CN: "system:k3s-supervisor", Org: "system:masters", Signer: ClientCA, Span: since(26)},
	{Path: "client-controller", CN: "system:kube-controller-manager", Signer: ClientCA},
	{Path: "client-scheduler", CN: "system:kube-scheduler", Signer: ClientCA},
	{Path: "client-kube-apiserver", CN: "kube-apiserver", Signer: ClientCA, Span: until(21)},
	{Path: "client-kube-apiserver", CN: "system:apiserver", Org: "system:masters", Signer: ClientCA, Span: since(22)},
	{Path: "client-kube-proxy", CN: "system:kube-proxy", Signer: ClientCA, Span: until(29)},
	{Path: "client-k3s-controller", CN: "system:k3s-controller", Signer: ClientCA, Span: until(29)},
	{Path: "client-cloud-controller", CN: "cloud-controller-manager", Signer: ClientCA, Span: until(19)},
	{Path: "client-k3s-cloud-controller", CN: "k3s-cloud-controller-manager", Signer: ClientCA, Span: since(20)},
	{Path: "client-auth-proxy", CN: "system:auth-proxy", Signer: RequestCA},
	{Path: "serving-kube-apiserver", CN: "kube-apiserver", Signer: ServerCA, Serving: true},
	{Path: "kube-controller-manager/kube-controller-manager", CN: "kube-controller-manager", Signer: ServerCA,
		Serving: true, SANs: local, Span: since(33)},
	{Path: "kube-scheduler/kube-scheduler", CN: "kube-scheduler", Signer: ServerCA, Serving: true, SANs: local,
		Span: since(33)},
	{Path: "etcd/client", CN: "etcd-client", Signer: EtcdServerCA, Span: since(19)},
	{Path: "etcd/server-client", CN: "etcd-server", Signer: EtcdServerCA, Both: true, SANs: member, Span: since(19)},
	{Path: "etcd/peer-server-client", CN: "etcd-peer", Signer: EtcdPeerCA, Both: true, SANs: member, Span: since(19)},
}

var (
	local  = []string{"localhost", "127.0.0.1", "::1"}
	member = append([]string{"kine.sock"}, local...) // k3s has the server's own names too; nobody connects here
)

// LooseKeys are the keys below tls/, without .key, whose certificates are signed when an agent asks for them.
func (f *Family) LooseKeys() []string {
	keys := []string{"client-kubelet", "serving-kubelet"}
	if since(30).Has(f.Minor) { // read in 1.32 and later; ≈ in 1.30 and 1.31
		keys = append(keys, "client-kube-proxy", "client-k3s-controller")
	}
	return keys
}

// Kubeconfig is one file under server/cred and the pair it names.
type Kubeconfig struct {
	Name, Leaf string
	Span       Span
}

// Kubeconfigs returns the component kubeconfigs of this family.
func (f *Family) Kubeconfigs() []Kubeconfig {
	var known []Kubeconfig
	for _, file := range kubeconfigs {
		if file.Span.Has(f.Minor) {
			known = append(known, file)
		}
	}
	return known
}

var kubeconfigs = []Kubeconfig{
	{Name: "admin", Leaf: "client-admin"},
	{Name: "supervisor", Leaf: "client-supervisor", Span: since(26)},
	{Name: "controller", Leaf: "client-controller"},
	{Name: "scheduler", Leaf: "client-scheduler"},
	{Name: "api-server", Leaf: "client-kube-apiserver"},
	{Name: "cloud-controller", Leaf: "client-cloud-controller", Span: until(19)},
	{Name: "cloud-controller", Leaf: "client-k3s-cloud-controller", Span: since(20)},
}

// AgentLeaf is a pair that the agent's code keeps under agent/, even with --disable-agent; %s is the node's name.
type AgentLeaf struct {
	Leaf
	Kubeconfig string // beside it, for who has the pair
}

// AgentLeaves returns those pairs of this family.
func (f *Family) AgentLeaves() []AgentLeaf {
	if !f.NodePassword {
		return nil
	}
	return []AgentLeaf{
		{Leaf{Path: "client-kubelet", CN: "system:node:%s", Org: "system:nodes", Signer: ClientCA}, "kubelet"},
		{Leaf{Path: "serving-kubelet", CN: "%s", Signer: ServerCA, Serving: true}, ""},
		{Leaf{Path: "client-kube-proxy", CN: "system:kube-proxy", Signer: ClientCA}, "kubeproxy"},
		{Leaf{Path: "client-k3s-controller", CN: "system:k3s-controller", Signer: ClientCA}, "k3scontroller"},
	}
}

// Chains says whether the family also keeps the CAs without chain and a separate signing key for tokens.
func (f *Family) Chains() bool { return since(26).Has(f.Minor) }

// KubeletDropIns says whether the agent's code makes a directory for parts of the kubelet's configuration.
func (f *Family) KubeletDropIns() bool { return since(32).Has(f.Minor) }

// SnapshotFiles says whether there is the kind ETCDSnapshotFile, whatever the datastore is.
func (f *Family) SnapshotFiles() bool { return since(28).Has(f.Minor) }
