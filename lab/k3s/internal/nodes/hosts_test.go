package nodes

import "testing"

func TestNodeHosts(t *testing.T) {
	one := node{name: "one", hostname: "one", ipv4: "10.0.0.1"}
	for name, test := range map[string]struct {
		text    string
		node    node
		removed bool
		want    string
	}{
		"first":               {"", one, false, "10.0.0.1 one\n"},
		"same":                {"10.0.0.1 one\n", one, false, "10.0.0.1 one\n"},
		"hostname differs":    {"", node{name: "one", hostname: "host.a", ipv4: "10.0.0.1"}, false, "10.0.0.1 one host.a\n"},
		"no hostname":         {"", node{name: "one", ipv4: "10.0.0.1"}, false, "10.0.0.1 one \n"},
		"no hostname, same":   {"10.0.0.1 one \n", node{name: "one", ipv4: "10.0.0.1"}, false, "10.0.0.1 one \n"},
		"moved":               {"10.0.0.9 one\n", one, false, "10.0.0.1 one\n"},
		"sorted":              {"10.0.0.2 two\n", one, false, "10.0.0.1 one\n10.0.0.2 two\n"},
		"comments go":         {"# x\n10.0.0.2 two # y\nbroken\n", one, false, "10.0.0.1 one\n10.0.0.2 two\n"},
		"removed":             {"10.0.0.1 one\n10.0.0.2 two\n", one, true, "10.0.0.2 two\n"},
		"both families":       {"", node{name: "one", hostname: "one", ipv4: "10.0.0.1", ipv6: "fd00::1"}, false, "10.0.0.1 one\nfd00::1 one\n"},
		"no address, no line": {"10.0.0.2 two\n", node{name: "one"}, false, "10.0.0.2 two\n"},
		"shared address":      {"10.0.0.1 two\n", one, false, "10.0.0.1 one\n"}, // flaps, as in k3s
	} {
		got, changed := updateHosts(test.text, test.node, test.removed, true)
		if got != test.want || changed != (got != test.text) {
			t.Errorf("%s: %q, changed %v", name, got, changed)
		}
	}
}
