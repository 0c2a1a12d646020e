package nodes

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"virtualcluster/lab/k3s/internal/kube"
	"virtualcluster/lab/k3s/internal/logs"
)

const (
	finalizer = "wrangler.cattle.io/node"
	nodesPath = "/api/v1/nodes"
	dnsConfig = "/api/v1/namespaces/kube-system/configmaps/coredns"
	secrets   = "/api/v1/namespaces/kube-system/secrets/"
)

// Controller watches Nodes. It also knows their addresses, for the egress proxy.
type Controller struct {
	Client *kube.Client
	// WriteHosts: CoreDNS is packaged, so its ConfigMap is ours to fill.
	WriteHosts bool
	HostsByIP  bool

	// order: events and Again never work at once, or a node that was just removed would be written again.
	order sync.Mutex
	mutex sync.Mutex
	known map[string]node
	again chan struct{}
}

// New makes a controller.
func New(client *kube.Client, writeHosts, byIP bool) *Controller {
	return &Controller{Client: client, WriteHosts: writeHosts, HostsByIP: byIP, known: map[string]node{},
		again: make(chan struct{}, 1)}
}

// Find implements front.Kubelets.
func (c *Controller) Find(address string) (name, port string, ok bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, node := range c.known {
		if slices.Contains(node.addresses, address) {
			return node.name, node.kubeletPort, true
		}
	}
	return "", "", false
}

// Again writes all known nodes' names once more: CoreDNS' ConfigMap has just been created.
func (c *Controller) Again() {
	select {
	case c.again <- struct{}{}:
	default:
	}
}

// Run follows Nodes until the context ends.
func (c *Controller) Run(ctx context.Context) {
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.again:
				c.rewrite(ctx)
			}
		}
	}()
	c.Client.Watch(ctx, nodesPath, func(event kube.Event) { c.handle(ctx, event) })
}

func (c *Controller) rewrite(ctx context.Context) {
	c.order.Lock()
	defer c.order.Unlock()
	for _, node := range c.staying() {
		c.hosts(ctx, node, false)
	}
}

func (c *Controller) staying() []node {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var nodes []node
	for _, node := range c.known {
		if !node.going {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

func (c *Controller) handle(ctx context.Context, event kube.Event) {
	c.order.Lock()
	defer c.order.Unlock()
	node := read(event.Object)
	c.mutex.Lock()
	if event.Type == "DELETED" {
		delete(c.known, node.name)
	} else {
		c.known[node.name] = node
	}
	c.mutex.Unlock()
	finalizers := finalizersOf(event.Object)
	switch held := slices.Contains(finalizers, finalizer); {
	case event.Type == "DELETED":
	case node.going:
		if held {
			c.remove(ctx, node, event.Object, finalizers)
		}
	default:
		if !held {
			c.finalize(ctx, node.name, event.Object, append(finalizers, finalizer))
		}
		c.hosts(ctx, node, false)
	}
}

// remove is what k3s does on a Node's deletion: password, name, finalizer.
func (c *Controller) remove(ctx context.Context, n node, object kube.Object, finalizers []string) {
	_, err := c.Client.Do(ctx, http.MethodDelete, secrets+n.name+".node-password.k3s", "", nil)
	if err != nil && kube.Code(err) != http.StatusNotFound {
		logs.Warn("Unable to remove node password: %v", err)
	}
	c.hosts(ctx, n, true)
	c.finalize(ctx, n.name, object, slices.DeleteFunc(finalizers, func(f string) bool { return f == finalizer }))
}

// finalize writes the finalizers, provided that the Node is still as it was seen; if not, the next event comes anyway.
func (c *Controller) finalize(ctx context.Context, name string, object kube.Object, finalizers []string) {
	if finalizers == nil {
		finalizers = []string{}
	}
	patch := kube.Object{"metadata": kube.Object{
		"resourceVersion": kube.String(object, "metadata", "resourceVersion"), "finalizers": finalizers,
	}}
	_, err := c.Client.Do(ctx, http.MethodPatch, nodesPath+"/"+name, kube.MergePatch, patch)
	if code := kube.Code(err); err != nil && code != http.StatusConflict && code != http.StatusNotFound {
		logs.Error("error syncing node %s: %v", name, err)
	}
}

// hosts puts the node's names into ConfigMap coredns.
func (c *Controller) hosts(ctx context.Context, n node, removed bool) {
	if !c.WriteHosts {
		return
	}
	if !removed && n.ipv4 == "" && n.ipv6 == "" {
		logs.Error("No InternalIP addresses found for node %s", n.name)
		return
	}
	for range 10 { // conflicts: the syncer or a user may write the ConfigMap at the same time
		config, err := c.Client.Get(ctx, dnsConfig)
		if err != nil {
			logs.Warn("Unable to fetch coredns config map: %v", err)
			return
		}
		text, changed := updateHosts(kube.String(config, "data", "NodeHosts"), n, removed, c.HostsByIP)
		if !changed {
			return
		}
		patch := kube.Object{"data": kube.Object{"NodeHosts": text},
			"metadata": kube.Object{"resourceVersion": kube.String(config, "metadata", "resourceVersion")}}
		if _, err = c.Client.Do(ctx, http.MethodPatch, dnsConfig, kube.MergePatch, patch); err == nil {
			logs.Info("%s coredns NodeHosts entry for %s", map[bool]string{true: "Removed", false: "Updated"}[removed], n.name)
			return
		}
		if kube.Code(err) != http.StatusConflict {
			logs.Error("error syncing node %s: %v", n.name, err)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func read(object kube.Object) node {
	n := node{
		name:  kube.String(object, "metadata", "name"),
		going: kube.String(object, "metadata", "deletionTimestamp") != "",
	}
	status, _ := object["status"].(kube.Object)
	list, _ := status["addresses"].([]any)
	for _, item := range list {
		entry, _ := item.(kube.Object)
		address := kube.String(entry, "address")
		switch kube.String(entry, "type") {
		case "InternalIP":
			if strings.Contains(address, ":") {
				n.ipv6 = address
			} else {
				n.ipv4 = address
			}
			n.addresses = append(n.addresses, address)
		case "Hostname":
			n.hostname = address
		}
	}
	endpoints, _ := status["daemonEndpoints"].(kube.Object)
	kubelet, _ := endpoints["kubeletEndpoint"].(kube.Object)
	if port, ok := kubelet["Port"].(float64); ok {
		n.kubeletPort = strconv.Itoa(int(port))
	}
	return n
}

func finalizersOf(object kube.Object) []string {
	metadata, _ := object["metadata"].(kube.Object)
	list, _ := metadata["finalizers"].([]any)
	var finalizers []string
	for _, item := range list {
		finalizers = append(finalizers, fmt.Sprint(item))
	}
	return finalizers
}
