package deploy

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1" //nolint:gosec // a label value, as wrangler computes it
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"virtualcluster/lab/k3s/internal/kube"
)

// Annotations and label that k3s' apply library leaves on everything it applies.
const (
	appliedAnnotation = "objectset.rio.cattle.io/applied"
	ownerKind         = "objectset.rio.cattle.io/owner-gvk"
	ownerName         = "objectset.rio.cattle.io/owner-name"
	ownerNamespace    = "objectset.rio.cattle.io/owner-namespace"
	idAnnotation      = "objectset.rio.cattle.io/id"
	hashLabel         = "objectset.rio.cattle.io/hash"
)

// parse reads all objects of a YAML stream.
func parse(content []byte) ([]kube.Object, error) {
	var objects []kube.Object
	for documents := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var object kube.Object
		switch err := documents.Decode(&object); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, err
		case len(object) == 0: // only comments
		case strings.HasSuffix(kube.String(object, "kind"), "List") && object["items"] != nil:
			items, _ := object["items"].([]any)
			for _, item := range items {
				if entry, ok := item.(kube.Object); ok {
					objects = append(objects, plain(entry))
				}
			}
		default:
			objects = append(objects, plain(object))
		}
	}
}

// plain makes numbers and maps of what YAML decoded equal to what JSON would have given.
func plain(object kube.Object) kube.Object {
	var out kube.Object
	encoded, err := json.Marshal(object)
	if err == nil {
		err = json.Unmarshal(encoded, &out)
	}
	if err != nil {
		panic(err) // a map with keys that are not strings: not a Kubernetes object
	}
	return out
}

// owned marks an object as applied for an Addon, with its own original in an annotation.
func owned(object kube.Object, addon string) kube.Object {
	marked := plain(object)
	metadata := child(marked, "metadata")
	labels, annotations := child(metadata, "labels"), child(metadata, "annotations")
	labels[hashLabel] = ownerHash(addon)
	annotations[ownerKind], annotations[ownerName] = "k3s.cattle.io/v1, Kind=Addon", addon
	annotations[ownerNamespace], annotations[idAnnotation] = "kube-system", ""
	annotations[appliedAnnotation] = pack(object)
	return marked
}

func ownerHash(addon string) string {
	sum := sha1.Sum([]byte("k3s.cattle.io/v1, Kind=Addon/kube-system/" + addon)) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

func child(object kube.Object, key string) kube.Object {
	inner, ok := object[key].(kube.Object)
	if !ok {
		inner = kube.Object{}
		object[key] = inner
	}
	return inner
}

func pack(object kube.Object) string {
	encoded, _ := json.Marshal(object)
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, _ = writer.Write(encoded)
	_ = writer.Close()
	return base64.RawStdEncoding.EncodeToString(out.Bytes())
}

func unpack(text string) kube.Object {
	var object kube.Object
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil
	}
	if json.NewDecoder(reader).Decode(&object) != nil {
		return nil
	}
	return object
}

// patch is the three-way merge: what the manifest says, and null for what it said before and no longer does. What
// only the live object has stays. An empty patch means that nothing is to be written.
func patch(original, modified, current kube.Object) kube.Object {
	out := kube.Object{}
	for key, want := range modified {
		inner, isMap := want.(kube.Object)
		live, liveMap := current[key].(kube.Object)
		if isMap && liveMap {
			before, _ := original[key].(kube.Object)
			if deeper := patch(before, inner, live); len(deeper) > 0 {
				out[key] = deeper
			}
		} else if !covers(current[key], want) {
			out[key] = want
		}
	}
	for key := range original {
		_, wanted := modified[key]
		if _, live := current[key]; live && !wanted {
			out[key] = nil
		}
	}
	return out
}

// covers says whether the live value has all that is wanted; the server's defaults may come on top, and it leaves out
// zeros.
func covers(live, want any) bool {
	if live == nil {
		return want == nil || want == "" || want == false || want == float64(0)
	}
	switch want := want.(type) {
	case kube.Object:
		have, ok := live.(kube.Object)
		for key, value := range want {
			if !ok || !covers(have[key], value) {
				return false
			}
		}
		return ok || len(want) == 0
	case []any:
		have, _ := live.([]any)
		if len(have) != len(want) {
			return false
		}
		for i := range want {
			if !covers(have[i], want[i]) {
				return false
			}
		}
		return true
	default:
		return live == want
	}
}

// paths knows the REST paths of kinds, asked from the API once per group version.
type paths struct {
	client *kube.Client
	known  map[string]string // apiVersion/kind → collection path with %s for the namespace part
}

func (p *paths) of(ctx context.Context, object kube.Object) (collection, name string, err error) {
	version, kind := kube.String(object, "apiVersion"), kube.String(object, "kind")
	pattern, ok := p.known[version+"/"+kind]
	if !ok {
		if err := p.discover(ctx, version); err != nil {
			return "", "", err
		}
		if pattern, ok = p.known[version+"/"+kind]; !ok {
			return "", "", fmt.Errorf("the API has no kind %s in %s", kind, version)
		}
	}
	namespace := kube.String(object, "metadata", "namespace")
	if namespace == "" {
		namespace = "default"
	}
	return strings.ReplaceAll(pattern, "{namespace}", namespace), kube.String(object, "metadata", "name"), nil
}

func (p *paths) discover(ctx context.Context, version string) error {
	root := "/apis/" + version
	if version == "v1" {
		root = "/api/v1"
	}
	list, err := p.client.Get(ctx, root)
	if err != nil {
		return err
	}
	resources, _ := list["resources"].([]any)
	for _, item := range resources {
		resource, _ := item.(kube.Object)
		name := kube.String(resource, "name")
		if strings.Contains(name, "/") {
			continue
		}
		path := root + "/" + name
		if resource["namespaced"] == true {
			path = root + "/namespaces/{namespace}/" + name
		}
		p.known[version+"/"+kube.String(resource, "kind")] = path
	}
	return nil
}
