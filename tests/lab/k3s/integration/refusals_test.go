package integration

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestItSaysWhatItIs(t *testing.T) {
	s := newInstance(t)
	command := exec.Command(binary, "--version")
	command.Env = s.env()
	out, err := command.Output()
	if line, _, _ := strings.Cut(string(out), "\n"); err != nil || line != "k3s version v1.34.4+k3s1 (stand-in)" {
		t.Errorf("%s, %v", out, err)
	}
}

func TestRefusalsEndWithOneAndSayWhy(t *testing.T) {
	for name, test := range map[string]struct{ arg, want string }{
		"unknown flag":      {"--no-such-flag", "flag provided but not defined: -no-such-flag"},
		"removed flag":      {"--no-deploy=coredns", "flag provided but not defined: -no-deploy"},
		"egress mode":       {"--egress-selector-mode=direct", "invalid egress-selector-mode direct"},
		"malformed token":   {"--token=K10abc", "failed to normalize server token"},
		"bad service range": {"--service-cidr=x", "invalid service-cidr x"},
		"join":              {"--server=https://other:6443", "not part of it"},
	} {
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

func TestUnwritableEtcIsFatal(t *testing.T) {
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
	first := newInstance(t)
	first.start("--datastore-endpoint=http://127.0.0.1:1") // never ready, but it has the port
	first.eventually("listening", 60*time.Second, func() error {
		_, err := os.Stat(first.path("kc/kube-config.yaml"))
		return err
	})
	second := newInstance(t)
	second.start(fmt.Sprintf("--https-listen-port=%d", first.port))
	if code := second.exits(); code != 1 || !strings.Contains(second.own(), "address already in use") {
		t.Errorf("code %d: %s", code, second.own())
	}
}
