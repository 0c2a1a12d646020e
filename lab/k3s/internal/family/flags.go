package family

// Kind is a flag's type.
type Kind int

// The kinds of flags k3s has.
const (
	String Kind = iota
	Int
	Bool
	Slice
	Duration
)

// Flag is one command line flag of `k3s server`.
type Flag struct {
	Names   string // the name, then aliases, comma separated
	Kind    Kind
	Span    Span
	Default string
	Env     string
	Hidden  bool
	// Refuse, when set, is the fatal message that this version answers with although it still parses the flag.
	Refuse string
}

// Flags returns the flags that the family knows; all others are refused as unknown.
func (f *Family) Flags() []Flag {
	var known []Flag
	for _, flag := range serverFlags {
		if flag.Span.Has(f.Minor) {
			known = append(known, flag)
		}
	}
	return known
}

func since(minor int) Span { return Span{From: minor} }
func until(minor int) Span { return Span{To: minor} }

var serverFlags = []Flag{
	// Logging and configuration
	{Names: "config,c", Span: since(19), Default: "/etc/rancher/k3s/config.yaml", Env: "K3S_CONFIG_FILE"},
	{Names: "debug", Kind: Bool, Span: since(19), Env: "K3S_DEBUG"},
	{Names: "v", Kind: Int, Span: always, Default: "0"},
	{Names: "vmodule", Span: always},
	{Names: "log,l", Span: always},
	{Names: "alsologtostderr", Kind: Bool, Span: always},
	// Listener
	{Names: "bind-address", Span: always},
	{Names: "https-listen-port", Kind: Int, Span: always, Default: "6443"},
	{Names: "supervisor-port", Kind: Int, Span: since(19), Env: "K3S_SUPERVISOR_PORT", Default: "0", Hidden: true},
	{Names: "apiserver-port", Kind: Int, Span: since(19), Env: "K3S_APISERVER_PORT", Default: "0", Hidden: true},
	{Names: "apiserver-bind-address", Span: since(19), Env: "K3S_APISERVER_BIND_ADDRESS", Hidden: true},
	{Names: "advertise-address", Span: always},
	{Names: "advertise-port", Kind: Int, Span: always, Default: "0"},
	{Names: "tls-san", Kind: Slice, Span: always},
	{Names: "tls-san-security", Kind: Bool, Span: Span{24, 27}, Default: "false"}, // since 1.24.17
	{Names: "tls-san-security", Kind: Bool, Span: since(28), Default: "true"},
	// Data
	{Names: "data-dir,d", Span: until(29)},
	{Names: "data-dir,d", Span: since(30), Env: "K3S_DATA_DIR"},
	// Networking
	{Names: "cluster-cidr", Kind: Slice, Span: always, Default: ""},
	{Names: "service-cidr", Kind: Slice, Span: always, Default: ""},
	{Names: "service-node-port-range", Span: since(19), Default: "30000-32767"},
	{Names: "cluster-dns", Kind: Slice, Span: always},
	{Names: "cluster-domain", Span: always, Default: "cluster.local"},
	{Names: "flannel-backend", Span: always, Default: "vxlan"},
	{Names: "flannel-ipv6-masq", Kind: Bool, Span: since(22)},
	{Names: "flannel-external-ip", Kind: Bool, Span: since(25)},
	{Names: "egress-selector-mode", Span: since(22), Default: "agent"},
	{Names: "servicelb-namespace", Span: since(25), Default: "kube-system"},
	// Client
	{Names: "write-kubeconfig,o", Span: always, Env: "K3S_KUBECONFIG_OUTPUT"},
	{Names: "write-kubeconfig-mode", Span: always, Env: "K3S_KUBECONFIG_MODE"},
	{Names: "write-kubeconfig-group", Span: since(30), Env: "K3S_KUBECONFIG_GROUP"},
	{Names: "helm-job-image", Span: since(27)},
	// Cluster
	{Names: "token,t", Span: always, Env: "K3S_TOKEN"},
	{Names: "token-file", Span: always, Env: "K3S_TOKEN_FILE"},
	{Names: "agent-token", Span: always, Env: "K3S_AGENT_TOKEN"},
	{Names: "agent-token-file", Span: always, Env: "K3S_AGENT_TOKEN_FILE"},
	{Names: "server,s", Span: always, Env: "K3S_URL"},
	{Names: "cluster-init", Kind: Bool, Span: always, Env: "K3S_CLUSTER_INIT"},
	{Names: "cluster-reset", Kind: Bool, Span: always, Env: "K3S_CLUSTER_RESET"},
	{Names: "cluster-reset-restore-path", Span: since(19)},
	{Names: "cluster-secret", Span: until(24), Env: "K3S_CLUSTER_SECRET", Hidden: true},
	// Component arguments
	{Names: "kube-apiserver-arg", Kind: Slice, Span: always},
	{Names: "etcd-arg", Kind: Slice, Span: since(22)},
	{Names: "kube-controller-manager-arg", Kind: Slice, Span: always},
	{Names: "kube-scheduler-arg", Kind: Slice, Span: always},
	{Names: "kube-cloud-controller-manager-arg", Kind: Slice, Span: always},
	{Names: "kubelet-arg", Kind: Slice, Span: always},
	{Names: "kube-proxy-arg", Kind: Slice, Span: always},
	{Names: "kube-controller-arg", Kind: Slice, Span: always, Hidden: true},
	{Names: "kube-cloud-controller-arg", Kind: Slice, Span: always, Hidden: true},
	// Datastore
	{Names: "kine-tls", Kind: Bool, Span: since(30), Hidden: true},
	{Names: "datastore-endpoint", Span: always, Env: "K3S_DATASTORE_ENDPOINT"},
	{Names: "datastore-cafile", Span: always, Env: "K3S_DATASTORE_CAFILE"},
	{Names: "datastore-certfile", Span: always, Env: "K3S_DATASTORE_CERTFILE"},
	{Names: "datastore-keyfile", Span: always, Env: "K3S_DATASTORE_KEYFILE"},
	{Names: "default-local-storage-path", Span: always},
	// Components
	{Names: "disable", Kind: Slice, Span: since(17)}, // 1.16: most likely unknown
	{Names: "no-deploy", Kind: Slice, Span: until(24)},
	{Names: "no-deploy", Kind: Slice, Span: Span{25, 25}, Hidden: true,
		Refuse: "no-deploy flag is deprecated. Use --disable instead."},
	{Names: "disable-scheduler", Kind: Bool, Span: always},
	{Names: "disable-cloud-controller", Kind: Bool, Span: always},
	{Names: "disable-kube-proxy", Kind: Bool, Span: since(19)},
	{Names: "disable-network-policy", Kind: Bool, Span: always},
	{Names: "disable-helm-controller", Kind: Bool, Span: since(22)},
	{Names: "disable-apiserver", Kind: Bool, Span: since(20), Hidden: true},
	{Names: "disable-controller-manager", Kind: Bool, Span: since(20), Hidden: true},
	{Names: "disable-etcd", Kind: Bool, Span: since(20), Hidden: true},
	{Names: "embedded-registry", Kind: Bool, Span: since(29)},
	{Names: "supervisor-metrics", Kind: Bool, Span: since(30)},
	{Names: "disable-agent", Kind: Bool, Span: always, Hidden: true},
	{Names: "rootless", Kind: Bool, Span: always},
	{Names: "system-default-registry", Span: since(21), Env: "K3S_SYSTEM_DEFAULT_REGISTRY"},
	{Names: "enable-pprof", Kind: Bool, Span: since(25)},
	{Names: "secrets-encryption", Kind: Bool, Span: since(17)},
	{Names: "secrets-encryption-provider", Span: since(34), Default: "aescbc"}, // ≈
}
