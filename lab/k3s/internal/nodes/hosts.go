// Package nodes is k3s' node controller: a finalizer on every Node, and the names of nodes for CoreDNS.
package nodes

import (
	"bytes"
	"maps"
	"net"
	"slices"
	"strings"
)

// node is what the controller needs to know of a Node.
type node struct {
	// going: it has a deletionTimestamp.
	going bool

	name, hostname, ipv4, ipv6 string
	kubeletPort                string
	addresses                  []string
}

// names has a space at the end for a Node without a Hostname address, as k3s writes it.
func (n node) names() string {
	if n.hostname == n.name {
		return n.name
	}
	return n.name + " " + n.hostname
}

// updateHosts returns the hosts file with the node's lines put right (removed: taken out), and whether it changed.
// byIP: one line per address, as modern k3s keeps them; else one line per node, as ≤1.18 did.
func updateHosts(text string, n node, removed, byIP bool) (string, bool) {
	if !removed && n.ipv4 == "" && n.ipv6 == "" {
		return text, false
	}
	want := map[string]string{}
	if !removed {
		for _, ip := range []string{n.ipv4, n.ipv6} {
			if ip != "" {
				want[ip] = n.names()
			}
		}
		if !byIP {
			want = map[string]string{n.ipv4: n.name}
		}
	}
	lines := map[string]string{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		if _, current := want[fields[0]]; fields[1] == n.name && !current {
			continue // an address that the node no longer has
		}
		lines[fields[0]] = strings.Join(fields[1:], " ")
	}
	maps.Copy(lines, want)
	order := slices.SortedFunc(maps.Keys(lines), func(a, b string) int {
		return bytes.Compare(net.ParseIP(a), net.ParseIP(b))
	})
	var out strings.Builder
	for _, ip := range order {
		out.WriteString(ip + " " + lines[ip] + "\n")
	}
	return out.String(), out.String() != text
}
