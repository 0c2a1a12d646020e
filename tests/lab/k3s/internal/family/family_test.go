package family

import (
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
	} {
		if _, got, err := Of(version); err != nil || got != full {
			t.Errorf("%s: %s, %v", version, got, err)
		}
	}
	for _, version := range []string{"", "v2.0.0", "1.25", "1.33", "latest"} {
		if _, _, err := Of(version); err == nil {
			t.Errorf("%q has a row", version)
		}
	}
}

func TestEveryFamilyKnowsItsFlags(t *testing.T) {
	known := func(f *Family, name string) bool {
		return slices.ContainsFunc(f.Flags(), func(flag Flag) bool { return strings.Split(flag.Names, ",")[0] == name })
	}
	for _, test := range []struct {
		flag  string
		since string // the versions that know it
	}{
		{"no-deploy", "1.16 1.17 1.18"},
		{"disable", "1.17 1.18 1.34"},
		{"egress-selector-mode", "1.34"},
		{"tls-san-security", "1.34"},
		{"disable-helm-controller", "1.34"},
		{"disable-kube-proxy", "1.34"},
		{"disable-agent", "1.16 1.17 1.18 1.34"},
		{"kubelet-preferred-address-types", ""},
	} {
		for _, version := range []string{"1.16", "1.17", "1.18", "1.34"} {
			if want := strings.Contains(test.since, version); known(row(t, version), test.flag) != want {
				t.Errorf("%s in %s: want %v", test.flag, version, want)
			}
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

func TestTheKubeletClientIsWhoItIsInEachFamily(t *testing.T) {
	for version, want := range map[string]string{"1.18": "kube-apiserver", "1.34": "system:apiserver"} {
		i := slices.IndexFunc(row(t, version).Leaves(), func(leaf Leaf) bool { return leaf.Path == "client-kube-apiserver" })
		if leaf := row(t, version).Leaves()[i]; leaf.CN != want || leaf.Org != "system:masters" {
			t.Errorf("%s: %+v", version, leaf)
		}
	}
}
