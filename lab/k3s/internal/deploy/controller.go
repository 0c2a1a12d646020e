package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtualcluster/lab/k3s/internal/kube"
	"virtualcluster/lab/k3s/internal/logs"
	"virtualcluster/lab/k3s/internal/settings"
)

const (
	interval  = 15 * time.Second // how often k3s looks at the files
	addons    = "/apis/k3s.cattle.io/v1/namespaces/kube-system/addons"
	kindsNote = "addon.k3s.cattle.io/gvks"
)

// Controller applies the files of server/manifests and tracks each in an Addon.
type Controller struct {
	Client   *kube.Client
	Settings *settings.Server
	// Applied is called after each successful pass that applied something.
	Applied func()

	paths paths
	times map[string]time.Time
}

// New makes a controller.
func New(client *kube.Client, s *settings.Server, applied func()) *Controller {
	return &Controller{Client: client, Settings: s, Applied: applied,
		paths: paths{client: client, known: map[string]string{}}, times: map[string]time.Time{}}
}

// Run applies everything at start, whether changed or not, then what changes.
func (c *Controller) Run(ctx context.Context) {
	c.early(ctx)
	for c.definitions(ctx) != nil && ctx.Err() == nil {
		time.Sleep(200 * time.Millisecond)
	}
	for force := true; ctx.Err() == nil; {
		if err := c.pass(ctx, force); err != nil {
			if ctx.Err() == nil {
				logs.Error("Failed to process config: %v", err)
			}
		} else {
			force = false
		}
		select {
		case <-ctx.Done():
		case <-time.After(interval):
		}
	}
}

// early applies the objects of new manifests before their Addons can be recorded: the API takes two seconds to serve a
// new kind, and CoreDNS need not wait for that. The first pass does it all again and finds nothing to write.
func (c *Controller) early(ctx context.Context) {
	files, _ := filepath.Glob(c.Settings.Path("manifests", "*.yaml"))
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil || Skipped(basename(path), c.Settings) {
			continue
		}
		if objects, err := parse(content); err == nil {
			_ = c.apply(ctx, basename(path), objects, nil) // the first pass reports what is wrong
		}
	}
}

// definitions makes sure of the CRDs and waits until Addons are served.
func (c *Controller) definitions(ctx context.Context) error {
	content, err := render("crds", c.Settings)
	if err != nil {
		return err
	}
	objects, err := parse(content)
	if err != nil {
		return err
	}
	for _, object := range objects {
		_, err := c.Client.Do(ctx, http.MethodPost, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", kube.JSON, object)
		if err != nil && kube.Code(err) != http.StatusConflict {
			logs.Error("creating CRD: %v", err)
			return err
		}
	}
	for ctx.Err() == nil {
		if _, err := c.Client.Get(ctx, addons+"?limit=1"); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

func (c *Controller) pass(ctx context.Context, force bool) error {
	files, err := filepath.Glob(c.Settings.Path("manifests", "*"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	var failures []error
	applied := false
	for _, path := range files {
		if !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) || slices.Contains(files, path+".skip") {
			continue
		}
		if Skipped(basename(path), c.Settings) {
			failures = append(failures, wrap("delete", path, c.remove(ctx, path)))
			continue
		}
		info, err := os.Stat(path)
		if err != nil || !force && info.ModTime().Equal(c.times[path]) {
			continue
		}
		if err := c.deploy(ctx, path, force); err != nil {
			failures = append(failures, wrap("process", path, err))
			continue
		}
		c.times[path], applied = info.ModTime(), true
	}
	if applied {
		c.Applied()
	}
	return errors.Join(failures...)
}

func wrap(verb, path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("failed to %s %s: %w", verb, path, err)
}

func basename(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

func (c *Controller) deploy(ctx context.Context, path string, force bool) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	name := basename(path)
	sum := sha256.Sum256(content)
	checksum := hex.EncodeToString(sum[:])
	addon, err := c.addon(ctx, name, path)
	if err != nil {
		return err
	}
	if !force && kube.String(addon, "spec", "checksum") == checksum {
		return nil
	}
	objects, err := parse(content)
	if err != nil {
		c.event(ctx, addon, "Warning", "ParseManifestFailed", fmt.Sprintf("Parse manifest at %q failed: %v", path, err))
		return err
	}
	c.event(ctx, addon, "Normal", "ApplyingManifest", fmt.Sprintf("Applying manifest at %q", path))
	if err := c.apply(ctx, name, objects, kinds(addon)); err != nil {
		c.event(ctx, addon, "Warning", "ApplyManifestFailed", fmt.Sprintf("Applying manifest at %q failed: %v", path, err))
		return err
	}
	c.event(ctx, addon, "Normal", "AppliedManifest", fmt.Sprintf("Applied manifest at %q", path))
	_, err = c.Client.Do(ctx, http.MethodPatch, addons+"/"+name, kube.MergePatch, kube.Object{
		"metadata": kube.Object{"annotations": kube.Object{kindsNote: strings.Join(kindsOf(objects), ";")}},
		"spec":     kube.Object{"source": path, "checksum": checksum},
	})
	return err
}

// addon gets or creates the record of a file.
func (c *Controller) addon(ctx context.Context, name, source string) (kube.Object, error) {
	addon, err := c.Client.Get(ctx, addons+"/"+name)
	if kube.Code(err) != http.StatusNotFound {
		return addon, err
	}
	return c.Client.Do(ctx, http.MethodPost, addons, kube.JSON, kube.Object{
		"apiVersion": "k3s.cattle.io/v1", "kind": "Addon",
		"metadata": kube.Object{"name": name, "namespace": "kube-system"}, "spec": kube.Object{"source": source},
	})
}

// remove deletes a disabled component: its objects, its file, its record.
func (c *Controller) remove(ctx context.Context, path string) error {
	name := basename(path)
	var gvks []string
	if addon, err := c.Client.Get(ctx, addons+"/"+name); err == nil {
		gvks = kinds(addon)
	}
	if content, err := os.ReadFile(path); err == nil {
		if objects, err := parse(content); err == nil {
			gvks = append(gvks, kindsOf(objects)...)
		}
	}
	if err := c.apply(ctx, name, nil, gvks); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	_, err := c.Client.Do(ctx, http.MethodDelete, addons+"/"+name, "", nil)
	if kube.Code(err) == http.StatusNotFound {
		return nil
	}
	return err
}

func (c *Controller) event(ctx context.Context, addon kube.Object, level, reason, message string) {
	now := time.Now().UTC()
	_, _ = c.Client.Do(ctx, http.MethodPost, "/api/v1/namespaces/kube-system/events", kube.JSON, kube.Object{
		"apiVersion": "v1", "kind": "Event", "type": level, "reason": reason, "message": message, "count": 1,
		"metadata": kube.Object{"namespace": "kube-system",
			"name": fmt.Sprintf("%s.%x", kube.String(addon, "metadata", "name"), now.UnixNano())},
		"source":         kube.Object{"component": "deploy"},
		"firstTimestamp": now.Format(time.RFC3339), "lastTimestamp": now.Format(time.RFC3339),
		"involvedObject": kube.Object{"apiVersion": "k3s.cattle.io/v1", "kind": "Addon", "namespace": "kube-system",
			"name": kube.String(addon, "metadata", "name"), "uid": kube.String(addon, "metadata", "uid"),
			"resourceVersion": kube.String(addon, "metadata", "resourceVersion")},
	})
}
