// Package family holds, as data, everything in which one k3s minor differs from another.
//
// The facts come from k3s' sources, read per minor; where a border is an inference the row says "≈".
package family

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Span is a range of minors, both ends included; To 0 is open.
type Span struct{ From, To int }

// Has says whether the minor lies in the span.
func (s Span) Has(minor int) bool { return minor >= s.From && (s.To == 0 || minor <= s.To) }

// always is the span of flags, files and arguments that every row has.
var always = Span{}

// KubeletDial is what becomes of a connection from the API server to a kubelet when no k3s agent runs.
type KubeletDial int

// The three ways k3s has had.
const (
	DialTunnel   KubeletDial = iota // 1.16: only through the tunnel that the node's agent opened
	DialDirect                      // 1.17 to 1.21: falls back to a direct connection
	DialSelector                    // since 1.22: --egress-selector-mode decides
)

// Family is one row: a k3s minor.
type Family struct {
	Minor int
	// Release is the version that the chart's preset names.
	Release string
	// BasicAuth: the kubeconfig names admin and a password (until 1.18) instead of an inline client certificate.
	BasicAuth bool
	// KubeconfigBeforeReady: the kubeconfig may appear before the API answers; older ones waited for it.
	KubeconfigBeforeReady bool
	// SANOnTheFly: the serving certificate takes up whatever name a client asks for (until 1.27, CVE-2023-32187).
	SANOnTheFly bool
	KubeletDial KubeletDial
	// RepeatArgs: repeated user arguments are kept and += and -= are understood; before, the last one won.
	RepeatArgs bool
	// BootstrapData: the CAs are stored in the datastore, sealed with the token; another token is fatal.
	BootstrapData bool
	// NodePassword: standalone agent code runs even with --disable-agent and wants a writable /etc/rancher.
	NodePassword bool
	// Backdate: how long before they were made certificates begin to be valid.
	Backdate time.Duration
	// NamedManagers: what k3s writes is marked with who wrote it and on which machine ("deploy@<hostname>").
	NamedManagers bool
	// EndsQuietly: a component that ends shuts k3s down in order, with exit code 0 (seen in 1.34); before, it was fatal.
	EndsQuietly bool
	// Unwelcome is the answer to whoever asks the supervisor without credentials.
	Unwelcome int
	// OpenFiles: cred/*.kubeconfig, which name files only, and tls/dynamic-cert.json may be read by everybody who gets
	// there.
	OpenFiles bool
	// FewNames: the serving certificates have no name of the machine, no ::1, and not all names of the Service.
	FewNames bool
	// HTTP2 is offered.
	HTTP2 bool
	// CloudAlways: the objects of the cloud controller are applied even when it is off.
	CloudAlways bool
	// NodesWithoutDNS: the node controller (finalizer, passwords) runs even when CoreDNS is disabled.
	NodesWithoutDNS bool
	// HostsByIP: ConfigMap coredns' NodeHosts is keyed by address; older ones were keyed by node name.
	HostsByIP bool
	// HelmKinds are the kinds of the helm controller, by plural.
	HelmKinds map[string]string
	// HelmCRDsAlways: the helm CRDs are created even when the helm controller is off.
	HelmCRDsAlways bool
	// CoreDNS is the packaged image; CustomDNS says whether the optional ConfigMap coredns-custom is mounted.
	CoreDNS   string
	CustomDNS bool
	// OSLabel is the node label the packaged manifests select on.
	OSLabel string
	// RBACVersion is the API version of the packaged RBAC objects.
	RBACVersion string
	// DisableItems are the packaged components that --disable knows.
	DisableItems []string
}

var oldItems = []string{"coredns", "servicelb", "traefik", "local-storage", "metrics-server"}

func old(f Family) Family {
	f.BasicAuth, f.SANOnTheFly, f.HelmCRDsAlways, f.OpenFiles = true, true, true, true
	f.FewNames, f.CloudAlways = true, true
	f.Unwelcome = http.StatusUnauthorized
	f.HelmKinds = map[string]string{"HelmChart": "helmcharts"}
	f.OSLabel, f.RBACVersion, f.DisableItems = "beta.kubernetes.io/os", "rbac.authorization.k8s.io/v1beta1", oldItems
	return f
}

func modern(minor int, release, coreDNS string) Family {
	return Family{
		Minor: minor, Release: release, CoreDNS: coreDNS, CustomDNS: true,
		KubeconfigBeforeReady: true, KubeletDial: DialSelector, RepeatArgs: true, BootstrapData: true,
		NodePassword: true, NodesWithoutDNS: true, HostsByIP: true,
		HTTP2: true, NamedManagers: true, EndsQuietly: since(34).Has(minor),
		Backdate: time.Hour, Unwelcome: http.StatusForbidden,
		HelmKinds: map[string]string{"HelmChart": "helmcharts", "HelmChartConfig": "helmchartconfigs"},
		OSLabel:   "kubernetes.io/os", RBACVersion: "rbac.authorization.k8s.io/v1",
		DisableItems: append(slices.Clone(oldItems), "runtimes"),
	}
}

// between is a row of 1.19 to 1.29: certificates for passwords already, and not yet all that the later ones have.
func between(minor int, release, coreDNS string) Family {
	f := modern(minor, release, coreDNS)
	f.CustomDNS, f.RepeatArgs = since(22).Has(minor), since(22).Has(minor) // the first ≈
	f.SANOnTheFly, f.HelmCRDsAlways, f.HostsByIP = until(27).Has(minor), until(24).Has(minor), since(28).Has(minor)
	if until(27).Has(minor) {
		f.DisableItems = oldItems
	}
	if until(21).Has(minor) {
		f.KubeletDial, f.RBACVersion, f.OSLabel = DialDirect, "rbac.authorization.k8s.io/v1beta1", "beta.kubernetes.io/os"
	}
	return f
}

// rows is the table: releases are those that the chart's presets name, image tags those of the releases.
var rows = []Family{
	old(Family{Minor: 16, Release: "v1.16.13+k3s1", KubeletDial: DialTunnel, CoreDNS: "coredns/coredns:1.6.3"}),
	old(Family{Minor: 17, Release: "v1.17.9+k3s1", KubeletDial: DialDirect, CoreDNS: "rancher/coredns-coredns:1.6.3"}),
	old(Family{Minor: 18, Release: "v1.18.6+k3s1", KubeletDial: DialDirect, CoreDNS: "rancher/coredns-coredns:1.6.3"}),
	between(21, "v1.21.14+k3s1", "rancher/mirrored-coredns-coredns:1.9.1"), // ≈ its CoreDNS
	between(24, "v1.24.17+k3s1", "rancher/mirrored-coredns-coredns:1.10.1"),
	between(28, "v1.28.15+k3s1", "rancher/mirrored-coredns-coredns:1.11.3"),
	modern(30, "v1.30.14+k3s2", "rancher/mirrored-coredns-coredns:1.12.0"),
	modern(31, "v1.31.14+k3s1", "rancher/mirrored-coredns-coredns:1.12.3"),
	modern(32, "v1.32.13+k3s1", "rancher/mirrored-coredns-coredns:1.12.3"),
	modern(33, "v1.33.10+k3s1", "rancher/mirrored-coredns-coredns:1.12.3"),
	modern(34, "v1.34.4+k3s1", "rancher/mirrored-coredns-coredns:1.12.4"),
	modern(35, "v1.35.5+k3s1", "rancher/mirrored-coredns-coredns:1.14.0"), // ≈ 1.14.x
	modern(36, "v1.36.1+k3s1", "rancher/mirrored-coredns-coredns:1.14.0"), // ≈ 1.14.x
	modern(37, "v1.37.1+k3s1", "rancher/mirrored-coredns-coredns:1.14.4"), // ≈ as 1.36.2; its own source was not read
}

// Of returns the row for a version such as v1.34.4+k3s1, or for a minor such as 1.34 whose row names its release, and
// the full version.
func Of(version string) (*Family, string, error) {
	major, rest, ok := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	digits, _, _ := strings.Cut(rest, ".")
	minor, err := strconv.Atoi(digits)
	if !ok || major != "1" || err != nil {
		return nil, "", fmt.Errorf("%q is not a k3s version such as v1.34.4+k3s1", version)
	}
	i := slices.IndexFunc(rows, func(f Family) bool { return f.Minor == minor })
	if i < 0 {
		return nil, "", fmt.Errorf("the stand-in has no row for k3s 1.%d", minor)
	}
	row := &rows[i]
	if strings.Count(version, ".") < 2 {
		version = row.Release
	}
	return row, version, nil
}
