package family

// Signer names one of the three CAs.
type Signer string

// The CAs every family has.
const (
	ServerCA  Signer = "server-ca"
	ClientCA  Signer = "client-ca"
	RequestCA Signer = "request-header-ca"
)

// Leaf is a certificate and key pair that k3s keeps under server/tls.
type Leaf struct {
	Path    string // below tls/, without .crt and .key
	CN      string
	Org     string
	Signer  Signer
	Serving bool
	Span    Span
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
	{Path: "client-kube-proxy", CN: "system:kube-proxy", Signer: ClientCA},
	{Path: "client-k3s-controller", CN: "system:k3s-controller", Signer: ClientCA},
	{Path: "client-cloud-controller", CN: "cloud-controller-manager", Signer: ClientCA, Span: until(19)},
	{Path: "client-k3s-cloud-controller", CN: "k3s-cloud-controller-manager", Signer: ClientCA, Span: since(20)},
	{Path: "client-auth-proxy", CN: "system:auth-proxy", Signer: RequestCA},
	{Path: "serving-kube-apiserver", CN: "kube-apiserver", Signer: ServerCA, Serving: true},
	{Path: "kube-controller-manager/kube-controller-manager", CN: "kube-controller-manager", Signer: ServerCA,
		Serving: true, Span: since(33)},
	{Path: "kube-scheduler/kube-scheduler", CN: "kube-scheduler", Signer: ServerCA, Serving: true, Span: since(33)},
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

// Directories are those below tls/ that are there from the start.
func (f *Family) Directories() []string {
	if since(19).Has(f.Minor) {
		return []string{"temporary-certs", "etcd"}
	}
	return []string{"temporary-certs"}
}

// Chains says whether the family also keeps the CAs without chain and a separate signing key for tokens.
func (f *Family) Chains() bool { return since(26).Has(f.Minor) }
