package settings

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"virtualcluster/lab/k3s/internal/family"
)

// parsed runs the parser as main does.
func parsed(t *testing.T, version string, args ...string) (*Server, error) {
	t.Helper()
	row, full, err := family.Of(version)
	if err != nil {
		t.Fatal(err)
	}
	var server *Server
	app := &cli.App{
		Name: "k3s", Writer: io.Discard, ErrWriter: io.Discard, DisableSliceFlagSeparator: true,
		ExitErrHandler: func(*cli.Context, error) {}, Flags: Flags(row),
		Action: func(ctx *cli.Context) error {
			server, err = Parse(ctx, row, full)
			return err
		},
	}
	return server, app.Run(append([]string{"k3s"}, args...))
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct{ version, args, want string }{
		{"1.34", "--disable-agent --no-deploy=coredns", "flag provided but not defined: -no-deploy"},
		{"1.16", "--disable-agent --disable=coredns", "flag provided but not defined: -disable"},
		{"1.18", "--disable-agent --egress-selector-mode=disabled", "not defined: -egress-selector-mode"},
		{"1.18", "--disable-agent --system-default-registry=mirror.test", "not defined: -system-default-registry"},
		{"1.18", "--disable-agent --disable-helm-controller", "not defined: -disable-helm-controller"},
		{"1.34", "--disable-agent --kubelet-preferred-address-types=InternalIP", "not defined"},
		{"1.34", "--disable-agent --egress-selector-mode=none", "invalid egress-selector-mode none"},
		{"1.34", "--disable-agent --service-cidr=10.0.0.0", "invalid service-cidr 10.0.0.0"},
		{"1.34", "--disable-agent --cluster-dns=ten", "invalid cluster-dns address ten"},
		{"1.34", "--disable-agent --https-listen-port=x", "invalid value"},
		{"1.34", "", "--disable-agent is required"},
		{"1.34", "--disable-agent --server=https://x", "joining"},
		{"1.34", "--disable-agent --token-file=/no/such/file", "no such file"},
	} {
		if _, err := parsed(t, test.version, strings.Fields(test.args)...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s: %v", test.version, test.args, err)
		}
	}
}

// TestEveryPresetIsTaken: the arguments and the version of each preset of the chart are those of a row.
func TestEveryPresetIsTaken(t *testing.T) {
	presets, _ := filepath.Glob("../../../../charts/virtualcluster/values/*.yaml")
	if len(presets) < 10 {
		t.Fatalf("presets: %v", presets)
	}
	for _, path := range presets {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var values struct {
			VirtualCluster struct {
				Image    string   `yaml:"image"`
				BaseArgs []string `yaml:"baseArgs"`
			} `yaml:"virtualCluster"`
		}
		if err := yaml.Unmarshal(content, &values); err != nil {
			t.Fatal(err)
		}
		_, tag, _ := strings.Cut(values.VirtualCluster.Image, ":")
		version := strings.Replace(tag, "-", "+", 1)
		if _, full, err := family.Of(strings.TrimSuffix(filepath.Base(path), ".yaml")); err != nil || full != version {
			t.Errorf("%s is %s, its row says %s: %v", path, version, full, err)
		}
		server, err := parsed(t, version, values.VirtualCluster.BaseArgs[1:]...)
		if err != nil || !server.IsDisabled("traefik") || server.IsDisabled("coredns") || server.DataDir != "/data" {
			t.Errorf("%s: %+v, %v", path, server, err)
		}
	}
}

func TestDefaultsFollowTheServiceRange(t *testing.T) {
	server, err := parsed(t, "1.34", "--disable-agent", "--service-cidr=10.96.0.0/12", "--https-listen-port=8443")
	if err != nil {
		t.Fatal(err)
	}
	if server.ServiceIP != "10.96.0.1" || !slices.Equal(server.ClusterDNS, []string{"10.96.0.10"}) ||
		server.APIServerPort != 8444 || server.AdvertisePort != 8443 || server.EgressMode != "agent" || !server.SANSecurity {
		t.Errorf("%+v", server)
	}
}

func TestCommasSplitNamesButNotComponentArguments(t *testing.T) {
	controllers := "controllers=*,-nodeipam"
	server, err := parsed(t, "1.34", "--disable-agent", "--disable=traefik, coredns", "--tls-san=a,b", "--tls-san=c",
		"--kube-controller-manager-arg="+controllers, "--kube-controller-arg=x=1")
	if err != nil {
		t.Fatal(err)
	}
	if !server.IsDisabled("coredns") || !slices.Equal(server.TLSSANs, []string{"a", "b", "c"}) ||
		!slices.Equal(server.ControllerArgs, []string{controllers, "x=1"}) {
		t.Errorf("%+v", server)
	}
}

func TestNoDeployWorksWhereItIsKnown(t *testing.T) {
	server, err := parsed(t, "1.16", "--disable-agent", "--no-deploy=traefik,coredns")
	if err != nil || !server.IsDisabled("coredns") || server.SANSecurity {
		t.Errorf("%+v, %v", server, err)
	}
}

func TestTheEnvironmentSpeaksToo(t *testing.T) {
	t.Setenv("K3S_TOKEN", "secret")
	t.Setenv("K3S_KUBECONFIG_OUTPUT", "/tmp/out.yaml")
	t.Setenv("K3S_DATA_DIR", "/tmp/data")
	server, err := parsed(t, "1.34", "--disable-agent")
	if err != nil || server.Token != "secret" || server.KubeconfigOutput != "/tmp/out.yaml" || server.DataDir != "/tmp/data" {
		t.Errorf("%+v, %v", server, err)
	}
}

func TestTheConfigurationFileComesBeforeTheCommandLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("disable: [traefik, coredns]\ntoken: one\ndisable-agent: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	row, _, err := family.Of("1.34")
	if err != nil {
		t.Fatal(err)
	}
	args, err := WithFile([]string{"--config", file, "--token=two"}, row)
	want := []string{"--disable=traefik", "--disable=coredns", "--disable-agent=true", "--token=one", "--config", file, "--token=two"}
	if err != nil || !slices.Equal(args, want) {
		t.Errorf("%v, %v", args, err)
	}
	if _, err := WithFile([]string{"--config=/no/such/file"}, row); err == nil {
		t.Error("a missing file that was asked for is accepted")
	}
}
