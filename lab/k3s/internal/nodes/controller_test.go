package nodes

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"virtualcluster/lab/k3s/internal/kube"
)

// dns is an API server that has CoreDNS' ConfigMap and takes all else.
type dns struct {
	mutex sync.Mutex
	hosts string
}

func (d *dns) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path != dnsConfig {
		w.Write([]byte("{}"))
		return
	}
	if r.Method == http.MethodPatch {
		var patch struct{ Data struct{ NodeHosts string } }
		if json.NewDecoder(r.Body).Decode(&patch) == nil {
			d.hosts = patch.Data.NodeHosts
		}
	}
	json.NewEncoder(w).Encode(kube.Object{"metadata": kube.Object{}, "data": kube.Object{"NodeHosts": d.hosts}})
}

func TestANodeThatGoesIsNotWrittenAgain(t *testing.T) {
	server := &dns{}
	web := httptest.NewServer(server)
	defer web.Close()
	c := New(kube.New(web.URL, nil), true, true)
	node := func(meta kube.Object) kube.Event {
		meta["name"] = "n1"
		status := kube.Object{"addresses": []any{
			kube.Object{"type": "InternalIP", "address": "10.9.8.7"}, kube.Object{"type": "Hostname", "address": "n1"},
		}}
		return kube.Event{Type: "MODIFIED", Object: kube.Object{"metadata": meta, "status": status}}
	}
	for _, step := range []struct {
		name string
		do   func(context.Context)
		want string
	}{
		{"it comes", func(ctx context.Context) { c.handle(ctx, node(kube.Object{})) }, "10.9.8.7 n1\n"},
		{"CoreDNS is applied again", func(ctx context.Context) { server.hosts = ""; c.rewrite(ctx) }, "10.9.8.7 n1\n"},
		{"it goes", func(ctx context.Context) {
			c.handle(ctx, node(kube.Object{"deletionTimestamp": "now", "finalizers": []any{finalizer}}))
		}, ""},
		{"CoreDNS is applied again before it is gone", c.rewrite, ""},
	} {
		step.do(t.Context())
		if server.hosts != step.want {
			t.Errorf("%s: %q, not %q", step.name, server.hosts, step.want)
		}
	}
}
