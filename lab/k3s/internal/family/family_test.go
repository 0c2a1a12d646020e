package family

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func row(t *testing.T, version string) *Family {
	t.Helper()
	found, _, err := Of(version)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestVersionsFindTheirRows(t *testing.T) {
	for version, full := range map[string]string{
		"v1.34.4+k3s1": "v1.34.4+k3s1", "1.34": "v1.34.4+k3s1", "v1.16.13+k3s1": "v1.16.13+k3s1", "1.18": "v1.18.6+k3s1",
		"v1.30.1+k3s1": "v1.30.1+k3s1", "1.36": "v1.36.1+k3s1", "1.28": "v1.28.15+k3s1",
	} {
		if _, got, err := Of(version); err != nil || got != full {
			t.Errorf("%s: %s, %v", version, got, err)
		}
	}
	for _, version := range []string{"", "v2.0.0", "1.15", "1.25", "1.38", "latest"} {
		if _, _, err := Of(version); err == nil {
			t.Errorf("%q has a row", version)
		}
	}
}

func TestEveryFamilyKnowsItsFlags(t *testing.T) {
	known := func(f *Family, name string) bool {
		return slices.ContainsFunc(f.Flags(), func(flag Flag) bool { return strings.Split(flag.Names, ",")[0] == name })
	}
	for flag, span := range map[string]Span{ // the minors that know it, among those with a row
		"no-deploy":                       {16, 24},
		"disable":                         {17, 37},
		"egress-selector-mode":            {24, 37},
		"tls-san-security":                {24, 37},
		"disable-helm-controller":         {24, 37},
		"disable-kube-proxy":              {21, 37},
		"config":                          {21, 37},
		"write-kubeconfig-group":          {30, 37},
		"secrets-encryption":              {17, 37},
		"disable-agent":                   {16, 37},
		"disable-scheduler":               {16, 37},
		"disable-cloud-controller":        {16, 37},
		"disable-network-policy":          {16, 37},
		"flannel-backend":                 {16, 37},
		"write-kubeconfig":                {16, 37},
		"tls-san":                         {16, 37},
		"token-file":                      {16, 37},
		"service-cidr":                    {16, 37},
		"kubelet-preferred-address-types": {99, 99},
		// Gone again, or never of this command.
		"multi-cluster-cidr":   {99, 99},
		"http-listen-port":     {99, 99},
		"storage-endpoint":     {99, 99},
		"storage-backend":      {99, 99},
		"cluster-secret":       {16, 24},
		"no-flannel":           {16, 24},
		"bootstrap-save":       {99, 99},
		"disable-apiserver-lb": {99, 99},
	} {
		for i := range rows {
			if f := &rows[i]; known(f, flag) != span.Has(f.Minor) {
				t.Errorf("--%s in 1.%d: want %v", flag, f.Minor, span.Has(f.Minor))
			}
		}
	}
}

const masters = "system:masters"

// TestWhatTellsTheFamiliesApart: a row for each minor that a preset names.
func TestWhatTellsTheFamiliesApart(t *testing.T) {
	for minor, want := range map[string]struct {
		basic, before, onTheFly, bootstrap, etc bool
		dial                                    KubeletDial
		issuer, client, org, signer             string
	}{
		"1.16": {true, false, true, false, false, DialTunnel, "k3s", "kube-apiserver", "", "server-ca.crt"},
		"1.17": {true, false, true, false, false, DialDirect, "k3s", "kube-apiserver", "", "server-ca.crt"},
		"1.18": {true, false, true, false, false, DialDirect, "k3s", "kube-apiserver", "", "server-ca.crt"},
		"1.30": {false, true, false, true, true, DialSelector, "https://kubernetes.default.svc.c", "system:apiserver", masters, ""},
		"1.31": {false, true, false, true, true, DialSelector, "https://kubernetes.default.svc.c", "system:apiserver", masters, ""},
		"1.32": {false, true, false, true, true, DialSelector, "https://kubernetes.default.svc.c", "system:apiserver", masters, ""},
		"1.33": {false, true, false, true, true, DialSelector, "https://kubernetes.default.svc.c", "system:apiserver", masters, ""},
		"1.34": {false, true, false, true, true, DialSelector, "https://kubernetes.default.svc.c", "system:apiserver", masters, ""},
		"1.35": {false, true, false, true, true, DialSelector, "https://kubernetes.default.svc.c", "system:apiserver", masters, ""},
		"1.36": {false, true, false, true, true, DialSelector, "https://kubernetes.default.svc.c", "system:apiserver", masters, ""},
		"1.37": {false, true, false, true, true, DialSelector, "https://kubernetes.default.svc.c", "system:apiserver", masters, ""},
	} {
		f := row(t, minor)
		if f.BasicAuth != want.basic || f.KubeconfigBeforeReady != want.before || f.SANOnTheFly != want.onTheFly ||
			f.BootstrapData != want.bootstrap || f.NodePassword != want.etc || f.KubeletDial != want.dial {
			t.Errorf("%s: %+v", minor, f)
		}
		vars := map[string]string{"domain": "c", "cred": "cred"}
		api, controllers := f.Defaults(APIServer, vars), f.Defaults(ControllerManager, vars)
		if issuer := api["service-account-issuer"]; issuer != want.issuer {
			t.Errorf("%s: issuer %s", minor, issuer)
		}
		if _, basic := api["basic-auth-file"]; basic != want.basic {
			t.Errorf("%s: basic auth %v", minor, basic)
		}
		if signer := strings.TrimPrefix(controllers["cluster-signing-cert-file"], "/"); signer != want.signer {
			t.Errorf("%s: signer %s", minor, signer)
		}
		i := slices.IndexFunc(f.Leaves(), func(leaf Leaf) bool { return leaf.Path == "client-kube-apiserver" })
		if old := want.basic; f.NamedManagers == old || f.OpenFiles != old || (f.Backdate == 0) != old ||
			(f.Unwelcome == http.StatusUnauthorized) != old || f.EndsQuietly != (f.Minor >= 34) {
			t.Errorf("%s: %+v", minor, f)
		}
		if port := controllers["port"] + controllers["secure-port"]; port != map[bool]string{true: "102520", false: "10257"}[f.Minor <= 21] {
			t.Errorf("%s: the controllers' ports are %s", minor, port)
		}
		if leaf := f.Leaves()[i]; leaf.CN != want.client || leaf.Org != want.org {
			t.Errorf("%s: %+v", minor, leaf)
		}
	}
	if len(rows) != 14 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestTheMinorsBetween: what came between 1.18 and 1.30, one after the other.
func TestTheMinorsBetween(t *testing.T) {
	for minor, want := range map[string]struct {
		onTheFly, repeat, crds, byIP, runtimes bool
		dial                                   KubeletDial
		rbac, client, signer, key, san         string
	}{
		"1.21": {true, false, true, false, false, DialDirect, "v1beta1", "kube-apiserver", "/client-ca.crt", "/service.key", ""},
		"1.24": {true, true, true, false, false, DialSelector, "v1", "system:apiserver", "", "/service.key", "false"},
		"1.28": {false, true, false, true, true, DialSelector, "v1", "system:apiserver", "", "/service.current.key", "true"},
		"1.37": {false, true, false, true, true, DialSelector, "v1", "system:apiserver", "", "/service.current.key", "true"},
	} {
		f := row(t, minor)
		if f.BasicAuth || !f.KubeconfigBeforeReady || !f.BootstrapData || !f.NodePassword || f.SANOnTheFly != want.onTheFly ||
			f.RepeatArgs != want.repeat || f.HelmCRDsAlways != want.crds || f.HostsByIP != want.byIP || f.KubeletDial != want.dial ||
			slices.Contains(f.DisableItems, "runtimes") != want.runtimes || f.RBACVersion != "rbac.authorization.k8s.io/"+want.rbac {
			t.Errorf("%s: %+v", minor, f)
		}
		controllers := f.Defaults(ControllerManager, nil)
		if controllers["cluster-signing-cert-file"] != want.signer || controllers["service-account-private-key-file"] != want.key {
			t.Errorf("%s: %v", minor, controllers)
		}
		i := slices.IndexFunc(f.Leaves(), func(leaf Leaf) bool { return leaf.Path == "client-kube-apiserver" })
		if leaf := f.Leaves()[i]; leaf.CN != want.client {
			t.Errorf("%s: %+v", minor, leaf)
		}
		i = slices.IndexFunc(f.Flags(), func(flag Flag) bool { return flag.Names == "tls-san-security" })
		if (i >= 0) != (want.san != "") || i >= 0 && f.Flags()[i].Default != want.san {
			t.Errorf("%s: --tls-san-security %d", minor, i)
		}
	}
}

func TestNoFlagIsListedTwiceInOneFamily(t *testing.T) {
	for _, f := range rows {
		seen := map[string]bool{}
		for _, flag := range f.Flags() {
			for name := range strings.SplitSeq(flag.Names, ",") {
				if seen[name] {
					t.Errorf("1.%d: --%s twice", f.Minor, name)
				}
				seen[name] = true
			}
		}
	}
}

func TestUserArgumentsMerge(t *testing.T) {
	defaults := map[string]string{"controllers": "*,tokencleaner", "profiling": "false"}
	for name, test := range map[string]struct {
		version string
		user    []string
		want    string
	}{
		"untouched":        {"1.34", nil, "--controllers=*,tokencleaner --profiling=false"},
		"replaced":         {"1.34", []string{"controllers=*,-nodeipam"}, "--controllers=*,-nodeipam --profiling=false"},
		"repeats kept":     {"1.34", []string{"a=2", "a=1"}, "--a=2 --a=1 --controllers=*,tokencleaner --profiling=false"},
		"last wins":        {"1.18", []string{"a=2", "a=1"}, "--a=1 --controllers=*,tokencleaner --profiling=false"},
		"appended":         {"1.34", []string{"controllers+=-x"}, "--controllers=*,tokencleaner,-x --profiling=false"},
		"prepended":        {"1.34", []string{"controllers-=-x"}, "--controllers=-x,*,tokencleaner --profiling=false"},
		"bare is true":     {"1.34", []string{"profiling"}, "--controllers=*,tokencleaner --profiling=true"},
		"dashes stripped":  {"1.34", []string{"--profiling=true"}, "--controllers=*,tokencleaner --profiling=true"},
		"value with equal": {"1.34", []string{"feature-gates=A=true,B=false"}, "--controllers=*,tokencleaner --feature-gates=A=true,B=false --profiling=false"},
	} {
		if got := strings.Join(row(t, test.version).Merge(defaults, test.user), " "); got != test.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestComponentArgumentsPerFamily(t *testing.T) {
	vars := map[string]string{"domain": "cluster.local", "tls": "/data/server/tls", "cred": "/data/server/cred"}
	for _, test := range []struct {
		version, name, want string
		conditions          []string
	}{
		{"1.16", "service-account-issuer", "k3s", nil},
		{"1.34", "service-account-issuer", "https://kubernetes.default.svc.cluster.local", nil},
		{"1.34", "api-audiences", "https://kubernetes.default.svc.cluster.local,k3s", nil},
		{"1.18", "basic-auth-file", "/data/server/cred/passwd", nil},
		{"1.34", "basic-auth-file", "", nil},
		{"1.34", "anonymous-auth", "false", nil},
		{"1.34", "egress-selector-config-file", "", nil},
		{"1.34", "egress-selector-config-file", "/egress-selector-config.yaml", []string{WithEgress}},
		{"1.16", "egress-selector-config-file", "/egress-selector-config.yaml", []string{WithTunnel}},
		{"1.34", "kubelet-preferred-address-types", "InternalIP,ExternalIP,Hostname", nil},
		{"1.16", "kubelet-preferred-address-types", "", nil},
		{"1.34", "advertise-port", "", nil},
	} {
		if got := row(t, test.version).Defaults(APIServer, vars, test.conditions...)[test.name]; got != test.want {
			t.Errorf("%s %s: %q", test.version, test.name, got)
		}
	}
	for conditions, want := range map[string]string{"": "*,tokencleaner", WithCloud: "*,tokencleaner,-service,-route,-cloud-node-lifecycle"} {
		if got := row(t, "1.34").Defaults(ControllerManager, vars, conditions)["controllers"]; got != want {
			t.Errorf("controllers with %q: %s", conditions, got)
		}
	}
}
