package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"virtualcluster/lab/k3s/internal/family"
	"virtualcluster/lab/k3s/internal/logs"
)

// Server is one parsed `k3s server` command line.
type Server struct {
	Family  *family.Family
	Version string

	DataDir string // absolute; state lies in DataDir/server
	EtcDir  string // /etc/rancher, or what a test puts in its place

	BindAddress      string
	Port             int
	APIServerPort    int
	APIServerBind    string
	AdvertiseAddress string
	Addressed        bool // by a flag: k3s need not look for an address of its own
	AdvertisePort    int
	TLSSANs          []string
	SANSecurity      bool
	NodeName         string
	NodeIP           string

	ClusterCIDR, ServiceCIDR []string
	ClusterDNS               []string
	ServiceIP                string // the first address of the service range
	NodePorts                string
	ClusterDomain            string
	EgressMode               string
	DefaultRegistry          string // before the names of packaged images

	KubeconfigOutput, KubeconfigMode string
	Token, AgentToken                string
	DatastoreEndpoint                string
	DatastoreCA                      string
	DatastoreCert, DatastoreKey      string
	EncryptSecrets                   bool

	Disabled                                                        []string
	DisableScheduler, DisableCloud, DisableHelm, DisableControllers bool
	APIServerArgs, ControllerArgs, SchedulerArgs                    []string
	Verbosity                                                       int
	VModule                                                         string
}

// Parse reads the flags and answers with k3s' own errors where it would.
func Parse(ctx *cli.Context, row *family.Family, version string) (*Server, error) {
	if err := refusals(ctx, row); err != nil {
		return nil, err
	}
	s := &Server{
		Family: row, Version: version, EtcDir: "/etc/rancher",
		BindAddress: ctx.String("bind-address"), Port: ctx.Int("https-listen-port"),
		APIServerPort: ctx.Int("apiserver-port"), APIServerBind: ctx.String("apiserver-bind-address"),
		AdvertiseAddress: ctx.String("advertise-address"), AdvertisePort: ctx.Int("advertise-port"),
		TLSSANs: commas(ctx.StringSlice("tls-san")), SANSecurity: ctx.Bool("tls-san-security"),
		ClusterCIDR: commas(ctx.StringSlice("cluster-cidr")), ServiceCIDR: commas(ctx.StringSlice("service-cidr")),
		ClusterDNS: commas(ctx.StringSlice("cluster-dns")), NodePorts: ctx.String("service-node-port-range"),
		ClusterDomain: ctx.String("cluster-domain"), EgressMode: ctx.String("egress-selector-mode"),
		DefaultRegistry:  ctx.String("system-default-registry"),
		KubeconfigOutput: ctx.String("write-kubeconfig"), KubeconfigMode: ctx.String("write-kubeconfig-mode"),
		Token: ctx.String("token"), AgentToken: ctx.String("agent-token"),
		DatastoreEndpoint: ctx.String("datastore-endpoint"), EncryptSecrets: ctx.Bool("secrets-encryption"),
		DatastoreCA: ctx.String("datastore-cafile"), DatastoreCert: ctx.String("datastore-certfile"),
		DatastoreKey:       ctx.String("datastore-keyfile"),
		Disabled:           commas(append(ctx.StringSlice("disable"), ctx.StringSlice("no-deploy")...)),
		DisableScheduler:   ctx.Bool("disable-scheduler"),
		DisableCloud:       ctx.Bool("disable-cloud-controller"),
		DisableHelm:        ctx.Bool("disable-helm-controller"),
		DisableControllers: ctx.Bool("disable-controller-manager"),
		APIServerArgs:      ctx.StringSlice("kube-apiserver-arg"),
		ControllerArgs:     append(ctx.StringSlice("kube-controller-manager-arg"), ctx.StringSlice("kube-controller-arg")...),
		SchedulerArgs:      ctx.StringSlice("kube-scheduler-arg"),
		Verbosity:          ctx.Int("v"), VModule: ctx.String("vmodule"),
	}
	if other := os.Getenv("K3S_STAND_IN_ETC"); other != "" {
		s.EtcDir = other
	}
	for _, step := range []func(*cli.Context) error{s.tokens, s.directories, s.networks, s.addresses, s.names} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// refusals are combinations that k3s ends with, and those that only the stand-in cannot do.
func refusals(ctx *cli.Context, row *family.Family) error {
	for _, flag := range row.Flags() {
		name, _, _ := strings.Cut(flag.Names, ",")
		if flag.Refuse != "" && ctx.IsSet(name) {
			return errors.New(flag.Refuse)
		}
	}
	switch mode := ctx.String("egress-selector-mode"); {
	case row.KubeletDial != family.DialSelector:
	case mode == "agent" || mode == "disabled":
		logs.Warn("Webhooks and apiserver aggregation may not function properly without an agent; " +
			"please set egress-selector-mode to 'cluster' or 'pod'")
	case mode == "cluster" || mode == "pod":
		logs.Warn("stand-in: --egress-selector-mode=%s is treated as 'agent'", mode)
	default:
		return fmt.Errorf("invalid egress-selector-mode %s", mode)
	}
	if ctx.String("datastore-endpoint") != "" && ctx.Bool("disable-apiserver") {
		return errors.New("invalid flag use; cannot use --disable-apiserver with --datastore-endpoint")
	}
	if ctx.Bool("disable-etcd") && ctx.String("server") == "" {
		return errors.New("invalid flag use; --server is required with --disable-etcd")
	}
	if ctx.String("cluster-reset-restore-path") != "" && !ctx.Bool("cluster-reset") {
		return errors.New("invalid flag use; --cluster-reset required with --cluster-reset-restore-path")
	}
	for _, name := range []string{"cluster-init", "cluster-reset", "disable-apiserver", "rootless"} {
		if ctx.Bool(name) {
			return fmt.Errorf("stand-in: --%s is not part of it", name)
		}
	}
	if ctx.String("server") != "" {
		return errors.New("stand-in: joining another server (--server) is not part of it")
	}
	if !ctx.Bool("disable-agent") {
		return errors.New("stand-in: there is no agent in it: --disable-agent is required")
	}
	return nil
}

func (s *Server) tokens(ctx *cli.Context) error {
	for flag, token := range map[string]*string{"token-file": &s.Token, "agent-token-file": &s.AgentToken} {
		if path := ctx.String(flag); path != "" {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			*token = strings.TrimSpace(string(content))
		}
	}
	return nil
}

func (s *Server) directories(ctx *cli.Context) error {
	base := ctx.String("data-dir")
	if base == "" {
		base = "/var/lib/rancher/k3s"
	}
	var err error
	if s.DataDir, err = filepath.Abs(base); err != nil {
		return err
	}
	if s.KubeconfigOutput == "" {
		s.KubeconfigOutput = filepath.Join(s.EtcDir, "k3s", "k3s.yaml")
	}
	if s.KubeconfigOutput, err = filepath.Abs(s.KubeconfigOutput); err != nil {
		return err
	}
	if s.KubeconfigMode != "" {
		if _, err := strconv.ParseUint(s.KubeconfigMode, 8, 32); err != nil {
			return fmt.Errorf("invalid write-kubeconfig-mode %s", s.KubeconfigMode)
		}
	}
	return nil
}

func (s *Server) networks(*cli.Context) error {
	if len(s.ClusterCIDR) == 0 {
		s.ClusterCIDR = []string{"10.42.0.0/16"}
	}
	if len(s.ServiceCIDR) == 0 {
		s.ServiceCIDR = []string{"10.43.0.0/16"}
	}
	for flag, list := range map[string][]string{"cluster-cidr": s.ClusterCIDR, "service-cidr": s.ServiceCIDR} {
		for i, cidr := range list {
			prefix, err := netip.ParsePrefix(cidr)
			if err != nil {
				return fmt.Errorf("invalid %s %s: %w", flag, cidr, err)
			}
			list[i] = prefix.Masked().String()
		}
	}
	s.ServiceIP = nth(s.ServiceCIDR[0], 1)
	if len(s.ClusterDNS) == 0 {
		for _, cidr := range s.ServiceCIDR {
			s.ClusterDNS = append(s.ClusterDNS, nth(cidr, 10))
		}
	}
	for _, ip := range s.ClusterDNS {
		if _, err := netip.ParseAddr(ip); err != nil {
			return fmt.Errorf("invalid cluster-dns address %s", ip)
		}
	}
	if s.NodePorts == "" {
		s.NodePorts = "30000-32767"
	}
	return nil
}

// nth returns the n-th address of a range.
func nth(cidr string, n int) string {
	address := netip.MustParsePrefix(cidr).Addr()
	for range n {
		address = address.Next()
	}
	return address.String()
}

func (s *Server) addresses(ctx *cli.Context) error {
	if s.BindAddress == "" {
		s.BindAddress = "0.0.0.0"
	}
	if s.APIServerPort == 0 {
		s.APIServerPort = s.Port + 1
	}
	if s.APIServerBind == "" {
		s.APIServerBind = "127.0.0.1"
	}
	if s.AdvertisePort == 0 {
		s.AdvertisePort = s.Port
	}
	s.Addressed = s.AdvertiseAddress != "" || len(ctx.StringSlice("node-ip")) > 0
	s.NodeIP = hostAddress()
	if ips := commas(ctx.StringSlice("node-ip")); len(ips) > 0 {
		s.NodeIP = ips[0]
	}
	if s.AdvertiseAddress == "" {
		s.AdvertiseAddress = s.NodeIP
		if ips := commas(ctx.StringSlice("node-external-ip")); len(ips) > 0 {
			s.AdvertiseAddress = ips[0]
		}
	}
	return nil
}

func (s *Server) names(ctx *cli.Context) error {
	s.NodeName = ctx.String("node-name")
	if s.NodeName == "" {
		host, err := os.Hostname()
		if err != nil {
			return err
		}
		s.NodeName = host
	}
	s.NodeName = strings.ToLower(s.NodeName)
	return nil
}

// StaticSANs are the names the serving certificates carry from the start.
func (s *Server) StaticSANs() []string {
	sans := slices.Concat(s.TLSSANs, []string{
		"127.0.0.1", "localhost", s.NodeIP, s.ServiceIP, s.AdvertiseAddress,
		"kubernetes", "kubernetes.default", "kubernetes.default.svc." + s.ClusterDomain,
	})
	if !s.Family.FewNames {
		short, _, _ := strings.Cut(s.NodeName, ".")
		sans = append(sans, "::1", s.NodeName, short, "kubernetes.default.svc")
	}
	slices.Sort(sans)
	return slices.Compact(sans)
}

// InnerSANs are the names in the certificate of the API server behind the front.
func (s *Server) InnerSANs() []string {
	if !s.Family.FewNames {
		return s.StaticSANs()
	}
	return []string{s.ServiceIP, "127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
}

// IsDisabled says whether a packaged component is switched off.
func (s *Server) IsDisabled(component string) bool { return slices.Contains(s.Disabled, component) }

// Path returns a path below the server directory.
func (s *Server) Path(parts ...string) string {
	return filepath.Join(append([]string{s.DataDir, "server"}, parts...)...)
}
