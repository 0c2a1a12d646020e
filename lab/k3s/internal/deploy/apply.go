package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"virtualcluster/lab/k3s/internal/kube"
)

// kindsOf lists the kinds of objects as Addons note them.
func kindsOf(objects []kube.Object) []string {
	var list []string
	for _, object := range objects {
		group, version, found := strings.Cut(kube.String(object, "apiVersion"), "/")
		if !found {
			group, version = "", group
		}
		list = append(list, fmt.Sprintf("%s/%s, Kind=%s", group, version, kube.String(object, "kind")))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// kinds reads what an Addon noted.
func kinds(addon kube.Object) []string {
	metadata, _ := addon["metadata"].(kube.Object)
	note := kube.String(child(metadata, "annotations"), kindsNote)
	return slices.DeleteFunc(strings.Split(note, ";"), func(kind string) bool { return kind == "" })
}

// apply brings the API to the objects of one manifest and deletes what the manifest owned before and no longer has.
func (c *Controller) apply(ctx context.Context, addon string, objects []kube.Object, before []string) error {
	var failures []error
	wanted := map[string]bool{}
	for _, object := range objects {
		collection, name, err := c.paths.of(ctx, object)
		if err == nil {
			wanted[collection+"/"+name] = true
			err = c.one(ctx, collection, name, owned(object, addon))
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s %s: %w", kube.String(object, "kind"), name, err))
		}
	}
	slices.Sort(before)
	for _, kind := range slices.Compact(before) {
		failures = append(failures, c.prune(ctx, addon, kind, wanted))
	}
	return errors.Join(failures...)
}

func (c *Controller) one(ctx context.Context, collection, name string, modified kube.Object) error {
	current, err := c.Client.Get(ctx, collection+"/"+name)
	if kube.Code(err) == http.StatusNotFound {
		_, err = c.Client.Do(ctx, http.MethodPost, collection, kube.JSON, modified)
		return err
	} else if err != nil {
		return err
	}
	metadata := child(current, "metadata")
	original := unpack(kube.String(child(metadata, "annotations"), appliedAnnotation))
	change := patch(original, modified, current)
	if len(change) == 0 {
		return nil
	}
	// Not a strategic merge: its key for ports cannot tell 53/UDP from 53/TCP.
	_, err = c.Client.Do(ctx, http.MethodPatch, collection+"/"+name, kube.MergePatch, change)
	return err
}

func (c *Controller) prune(ctx context.Context, addon, kind string, wanted map[string]bool) error {
	version, name, _ := strings.Cut(kind, ", Kind=")
	version = strings.TrimPrefix(version, "/")
	// Any namespace will do to learn the path; objects of all namespaces are listed.
	collection, _, err := c.paths.of(ctx, kube.Object{"apiVersion": version, "kind": name})
	if err != nil {
		return nil //nolint:nilerr // a kind that the API no longer has holds nothing
	}
	everywhere := strings.Replace(collection, "/namespaces/default", "", 1)
	list, err := c.Client.Get(ctx, everywhere+"?labelSelector="+url.QueryEscape(hashLabel+"="+ownerHash(addon)))
	if err != nil {
		return err
	}
	items, _ := list["items"].([]any)
	for _, item := range items {
		object, _ := item.(kube.Object)
		path := collection + "/" + kube.String(object, "metadata", "name")
		if namespace := kube.String(object, "metadata", "namespace"); namespace != "" {
			path = strings.Replace(path, "/namespaces/default/", "/namespaces/"+namespace+"/", 1)
		}
		if wanted[path] {
			continue
		}
		_, err := c.Client.Do(ctx, http.MethodDelete, path+"?propagationPolicy=Background", "", nil)
		if err != nil && kube.Code(err) != http.StatusNotFound {
			return err
		}
	}
	return nil
}
