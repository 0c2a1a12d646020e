package integration

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// datastore runs a kine of its own, which is to the servers an etcd that is not theirs, and returns its endpoint.
func datastore(t *testing.T) string {
	t.Helper()
	var kine string
	for _, dir := range filepath.SplitList(programs) {
		if _, err := os.Stat(filepath.Join(dir, "kine")); err == nil {
			kine = filepath.Join(dir, "kine")
		}
	}
	endpoint := fmt.Sprintf("http://127.0.0.1:%d", freePorts(t))
	command := exec.Command(kine, "--listen-address="+strings.Replace(endpoint, "http", "tcp", 1), "--metrics-bind-address=0")
	command.Dir = t.TempDir()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return endpoint
}

func TestServersOfOneDatastoreAreOneCluster(t *testing.T) {
	t.Parallel()
	endpoint := datastore(t)
	shared := append(direct(), "--datastore-endpoint="+endpoint)
	first, second, stranger := newInstance(t, shared...), newInstance(t, shared...), newInstance(t, shared...)
	first.start("--token=secret") // both at once: one's authorities are those of both
	second.start("--token=secret")
	first.ready()
	second.ready()
	for _, file := range []string{"server-ca.crt", "client-ca.key", "request-header-ca.crt", "service.key"} {
		ours, _ := os.ReadFile(first.tls(file))
		theirs, _ := os.ReadFile(second.tls(file))
		if len(ours) == 0 || string(ours) != string(theirs) {
			t.Errorf("%s is not the same", file)
		}
	}
	first.must(http.MethodPost, namespaces, namespace("shared"))
	second.made(namespaces + "/shared")
	if strings.Contains(first.own(), "secret") {
		t.Error("the token is logged")
	}

	stranger.start("--token=other")
	if code := stranger.exits(); code != 1 || !strings.Contains(stranger.own(), "encrypted with different token") {
		t.Errorf("other token: code %d: %s", code, stranger.own())
	}
}
