package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestItSaysWhatItIs(t *testing.T) {
	s := newInstance(t)
	command := exec.Command(binary, "--version")
	command.Env = s.env()
	out, err := command.Output()
	if line, _, _ := strings.Cut(string(out), "\n"); err != nil || line != "k3s version "+release+" (stand-in)" {
		t.Errorf("%s, %v", out, err)
	}
}

func TestRefusalsEndWithOneAndSayWhy(t *testing.T) {
	refusals := map[string]struct{ arg, want string }{
		"unknown flag":      {"--no-such-flag", "flag provided but not defined: -no-such-flag"},
		"malformed token":   {"--token=K10abc", "failed to normalize server token"},
		"bad service range": {"--service-cidr=x", "invalid service-cidr x"},
		"join":              {"--server=https://other:6443", "not part of it"},
	}
	other := func(arg, want string) { refusals[arg] = struct{ arg, want string }{arg, want} }
	switch {
	case row.Minor < 17:
		other("--disable=coredns", "flag provided but not defined: -disable")
		fallthrough
	case row.Minor < 22:
		other("--egress-selector-mode=disabled", "flag provided but not defined: -egress-selector-mode")
		other("--disable-helm-controller", "flag provided but not defined: -disable-helm-controller")
		other("--tls-san-security", "flag provided but not defined: -tls-san-security")
	case row.Minor < 25:
		other("--egress-selector-mode=direct", "invalid egress-selector-mode direct")
	default:
		other("--no-deploy=coredns", "flag provided but not defined: -no-deploy")
		other("--egress-selector-mode=direct", "invalid egress-selector-mode direct")
	}
	for name, test := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newInstance(t)
			s.start(test.arg)
			if code := s.exits(); code != 1 || !strings.Contains(s.own(), test.want) || !strings.Contains(s.own(), "level=fatal") {
				t.Errorf("code %d: %s", code, s.own())
			}
		})
	}
}

func TestAnUnknownArgumentOfTheAPIServerEndsIt(t *testing.T) {
	t.Parallel()
	s := newInstance(t, append(direct(), "--kube-apiserver-arg=no-such-flag=1")...)
	s.start()
	want, said := 1, "level=fatal"
	if row.EndsQuietly {
		want, said = 0, "Shutdown request received"
	}
	if code := s.exits(); code != want || !strings.Contains(s.own(), said) || !strings.Contains(s.own(), "kube-apiserver exited") {
		t.Errorf("code %d: %s", code, s.own())
	}
}

func TestWithoutADefaultRouteItDoesNotStart(t *testing.T) {
	s := newInstance(t)
	command := exec.Command("unshare", append([]string{"--net", binary}, s.args...)...)
	command.Env = s.env()
	out, err := command.CombinedOutput()
	if strings.Contains(string(out), "unshare failed") {
		t.Skip("no right to make a network without routes")
	}
	if err == nil || !strings.Contains(string(out), "no default routes found") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestUnwritableEtcIsFatal(t *testing.T) {
	if !row.NodePassword {
		t.Skip("older ones write nothing there but a link")
	}
	s := newInstance(t)
	if err := os.WriteFile(s.path("etc"), nil, 0o600); err != nil { // a file where a directory must be
		t.Fatal(err)
	}
	s.start()
	if code := s.exits(); code != 1 || !strings.Contains(s.own(), "etc") {
		t.Errorf("code %d: %s", code, s.own())
	}
}

func TestATakenPortIsFatal(t *testing.T) {
	taken, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	instance := newInstance(t)
	instance.start(fmt.Sprintf("--https-listen-port=%d", taken.Addr().(*net.TCPAddr).Port))
	if code := instance.exits(); code != 1 || !strings.Contains(instance.own(), "address already in use") {
		t.Errorf("code %d: %s", code, instance.own())
	}
}
