package deploy

import (
	"encoding/json"
	"strings"
	"testing"

	"virtualcluster/lab/k3s/internal/family"
	"virtualcluster/lab/k3s/internal/kube"
	"virtualcluster/lab/k3s/internal/settings"
)

func decode(t *testing.T, text string) kube.Object {
	t.Helper()
	var object kube.Object
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestThreeWayPatch(t *testing.T) {
	for name, test := range map[string]struct{ original, modified, current, want string }{
		"nothing":                {`{"data":{"a":"1"}}`, `{"data":{"a":"1"}}`, `{"data":{"a":"1"}}`, `{}`},
		"live keys stay":         {`{"data":{"a":"1"}}`, `{"data":{"a":"1"}}`, `{"data":{"a":"1","NodeHosts":"x"}}`, `{}`},
		"drift is put right":     {`{"data":{"a":"1"}}`, `{"data":{"a":"1"}}`, `{"data":{"a":"2"}}`, `{"data":{"a":"1"}}`},
		"new value":              {`{"data":{"a":"1"}}`, `{"data":{"a":"3"}}`, `{"data":{"a":"1"}}`, `{"data":{"a":"3"}}`},
		"gone from the manifest": {`{"data":{"a":"1","b":"1"}}`, `{"data":{"a":"1"}}`, `{"data":{"a":"1","b":"1"}}`, `{"data":{"b":null}}`},
		"defaults in lists stay": {`{}`, `{"ports":[{"port":53}]}`, `{"ports":[{"port":53,"targetPort":53}]}`, `{}`},
		"zeros are left out":     {`{}`, `{"l":[{"delay":0}]}`, `{"l":[{"period":2}]}`, `{}`},
		"shorter lists differ":   {`{}`, `{"l":[1]}`, `{"l":[1,2]}`, `{"l":[1]}`},
		"never applied before":   {`null`, `{"data":{"a":"1"}}`, `{"data":{"b":"2"}}`, `{"data":{"a":"1"}}`},
	} {
		got, _ := json.Marshal(patch(decode(t, test.original), decode(t, test.modified), decode(t, test.current)))
		if string(got) != test.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestEveryManifestRendersForEveryFamily(t *testing.T) {
	for _, version := range []string{"1.16", "1.17", "1.18", "1.21", "1.24", "1.28", "1.30", "1.34", "1.37"} {
		row, _, err := family.Of(version)
		if err != nil {
			t.Fatal(err)
		}
		s := &settings.Server{Family: row, ClusterDNS: []string{"10.43.0.10"}, ClusterDomain: "cluster.local"}
		for _, name := range []string{"coredns", "rolebindings", "ccm", "runtimes", "crds"} {
			content, err := render(name, s)
			if err != nil {
				t.Fatal(err)
			}
			objects, err := parse(content)
			if err != nil || len(objects) == 0 {
				t.Fatalf("%s %s: %d objects, %v", version, name, len(objects), err)
			}
			for _, object := range objects {
				if kube.String(object, "apiVersion") == "" || kube.String(object, "metadata", "name") == "" {
					t.Errorf("%s %s: %v", version, name, object)
				}
				if again := unpack(pack(object)); again == nil {
					t.Errorf("%s: lost by packing", name)
				}
			}
		}
	}
}

func TestTheRegistryOfPackagedImagesStandsBeforeTheirNames(t *testing.T) {
	row, _, err := family.Of("1.34")
	if err != nil {
		t.Fatal(err)
	}
	for registry, want := range map[string]string{
		"":                     `image: "rancher/mirrored-coredns-coredns:1.12.4"`,
		"mirror.test:5000/hub": `image: "mirror.test:5000/hub/rancher/mirrored-coredns-coredns:1.12.4"`,
	} {
		s := &settings.Server{Family: row, ClusterDNS: []string{"10.96.0.10"}, DefaultRegistry: registry}
		if content, err := render("coredns", s); err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s: %v", registry, err)
		}
	}
}

func TestCoreDNSMountsBothItemsAndDemandsThem(t *testing.T) {
	row, _, err := family.Of("1.34")
	if err != nil {
		t.Fatal(err)
	}
	content, err := render("coredns", &settings.Server{Family: row, ClusterDNS: []string{"10.96.0.10"}, ClusterDomain: "cluster.local"})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := parse(content)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if kube.String(object, "kind") != "Deployment" {
			continue
		}
		encoded, _ := json.Marshal(object)
		var typed struct {
			Spec struct {
				Template struct {
					Spec struct {
						Containers []struct{ Image string }
						Volumes    []struct {
							ConfigMap struct {
								Name     string
								Optional *bool
								Items    []struct{ Key string }
							}
						}
					}
				}
			}
		}
		if err := json.Unmarshal(encoded, &typed); err != nil {
			t.Fatal(err)
		}
		pod := typed.Spec.Template.Spec
		first := pod.Volumes[0].ConfigMap
		if pod.Containers[0].Image != "rancher/mirrored-coredns-coredns:1.12.4" || first.Optional != nil || len(first.Items) != 2 {
			t.Errorf("%+v", pod)
		}
		return
	}
	t.Error("no Deployment")
}
