package integration

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

const namespaces = "/api/v1/namespaces"

func namespace(name string) object {
	return object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": name}}
}

func TestStateSurvivesStopsKillsAndLostCertificates(t *testing.T) {
	t.Parallel()
	s := newInstance(t, direct()...)
	begin := time.Now()
	s.start("--token=secret")
	s.ready()
	t.Logf("fresh start took %s", time.Since(begin).Round(time.Millisecond))
	s.must(http.MethodPost, namespaces, namespace("kept"))
	ca, _ := os.ReadFile(s.tls("server-ca.crt"))
	token, _ := os.ReadFile(s.path("data/server/token"))
	if !strings.HasPrefix(string(token), "K10") || !strings.HasSuffix(string(token), "::server:secret\n") {
		t.Errorf("token %q", token)
	}

	if took := s.kill(syscall.SIGTERM); took > 2*time.Second || s.code != 0 {
		t.Errorf("SIGTERM: %s, code %d", took, s.code)
	}
	written, _ := os.Stat(s.path("kc/kube-config.yaml"))

	if row.BootstrapData {
		// Another token opens nothing.
		s.start("--token=other")
		if code := s.exits(); code != 1 || !strings.Contains(s.own(), "encrypted with different token") {
			t.Errorf("other token: code %d: %s", code, s.own())
		}
		// The CAs come back from the datastore.
		if err := os.RemoveAll(s.tls("")); err != nil {
			t.Fatal(err)
		}
	}
	begin = time.Now()
	s.start("--token=" + strings.TrimSpace(string(token)))
	s.ready()
	t.Logf("restart took %s", time.Since(begin).Round(time.Millisecond))
	s.must(http.MethodGet, namespaces+"/kept", nil)
	if again, _ := os.ReadFile(s.tls("server-ca.crt")); string(again) != string(ca) {
		t.Error("the server CA changed")
	}
	if rewritten, _ := os.Stat(s.path("kc/kube-config.yaml")); !rewritten.ModTime().After(written.ModTime()) {
		t.Error("the kubeconfig was not written again")
	}

	// kill -9 leaves nothing behind, and the next start works at once; without --token it takes the stored one.
	s.must(http.MethodPost, namespaces, namespace("killed"))
	pids := s.children()
	if len(pids) != 3 {
		t.Errorf("children %v", pids)
	}
	s.kill(syscall.SIGKILL)
	s.eventually("children die", 30*time.Second, func() error {
		for _, pid := range pids {
			if alive(pid) {
				return fmt.Errorf("%d lives", pid)
			}
		}
		return nil
	})
	s.start("--" + disable() + "=coredns")
	s.ready()
	s.must(http.MethodGet, namespaces+"/killed", nil)
	s.eventually("CoreDNS is taken away", 60*time.Second, func() error {
		code, _, _ := s.do(s.admin(), http.MethodGet, "/apis/apps/v1/namespaces/kube-system/deployments/coredns", nil)
		if _, err := os.Stat(s.path("data/server/manifests/coredns.yaml")); err == nil || code != http.StatusNotFound {
			return fmt.Errorf("file %v, Deployment %d", err, code)
		}
		return nil
	})

	// One process: the end of a part is the end of all.
	for _, pid := range s.children() {
		if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); strings.TrimSpace(string(name)) == "kine" {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	if code := s.exits(); code != 1 || !strings.Contains(s.own(), "kine exited: signal: killed") {
		t.Errorf("code %d: %s", code, s.own())
	}
}

func TestTheKubeconfigComesBeforeTheAPI(t *testing.T) {
	t.Parallel()
	s := newInstance(t)
	s.environment = []string{"K3S_STAND_IN_APISERVER_DELAY=10s"}
	if !row.KubeconfigBeforeReady {
		t.Skip("older ones wait for the API")
	}
	s.start()
	s.eventually("kubeconfig", 60*time.Second, func() error {
		_, err := os.ReadFile(s.path("kc/kube-config.yaml"))
		return err
	})
	if code, _, text := s.do(s.admin(), http.MethodGet, "/readyz", nil); code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", code, text)
	}
	if code, _, text := s.do(s.client(), http.MethodGet, "/ping", nil); code != http.StatusOK || text != "pong" {
		t.Errorf("/ping: %d %s", code, text)
	}
}
