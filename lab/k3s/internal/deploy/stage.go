// Package deploy stages the packaged manifests and applies server/manifests, as k3s' deploy controller does.
package deploy

import (
	"bytes"
	"embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"virtualcluster/lab/k3s/internal/logs"
	"virtualcluster/lab/k3s/internal/settings"
)

//go:embed manifests/*.yaml
var manifests embed.FS

// packaged are the manifests and the component whose --disable leaves them out.
var packaged = map[string]string{"coredns": "coredns", "rolebindings": "", "ccm": "ccm", "runtimes": "runtimes"}

// absent are components that k3s packages and the stand-in does not.
var absent = []string{"traefik", "local-storage", "metrics-server"}

var runtimes = []string{"nvidia", "nvidia-experimental", "crun", "lunatic", "slight", "spin", "wws", "wasmedge", "wasmer", "wasmtime"}

// values fills the manifests' templates.
func values(s *settings.Server) map[string]any {
	return map[string]any{
		"RBAC": s.Family.RBACVersion, "OSLabel": s.Family.OSLabel, "Image": packagedImage(s),
		"CustomDNS": s.Family.CustomDNS, "Domain": s.ClusterDomain,
		"DNS": s.ClusterDNS[0], "DNSList": strings.Join(s.ClusterDNS, ", "), "Runtimes": runtimes,
		"Helm":      !s.DisableHelm || s.Family.HelmCRDsAlways,
		"HelmKinds": s.Family.HelmKinds, "SnapshotFiles": s.Family.SnapshotFiles(),
	}
}

// packagedImage is CoreDNS' image in the registry that --system-default-registry names, a path included if it has one.
func packagedImage(s *settings.Server) string {
	if s.DefaultRegistry == "" {
		return s.Family.CoreDNS
	}
	return s.DefaultRegistry + "/" + s.Family.CoreDNS
}

func render(name string, s *settings.Server) ([]byte, error) {
	parsed, err := template.ParseFS(manifests, "manifests/"+name+".yaml")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, values(s))
	return out.Bytes(), err
}

// Skipped says whether a packaged component is left out.
func Skipped(component string, s *settings.Server) bool {
	if component == "ccm" && !s.Family.CloudAlways && s.DisableCloud && s.IsDisabled("servicelb") {
		return true
	}
	return component != "" && s.IsDisabled(component)
}

// Stage writes the manifests that are not disabled to server/manifests.
func Stage(s *settings.Server) error {
	directory := s.Path("manifests")
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	for name, component := range packaged {
		if Skipped(component, s) || name == "runtimes" && !slices.Contains(s.Family.DisableItems, name) {
			continue
		}
		content, err := render(name, s)
		if err != nil {
			return err
		}
		path := filepath.Join(directory, name+".yaml")
		// An unchanged file keeps its time: k3s' controller looks at that.
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
			continue
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		logs.Info("Writing manifest: %s", path)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	for _, component := range absent {
		if !s.IsDisabled(component) {
			logs.Warn("stand-in: the packaged component %s is not part of it", component)
		}
	}
	return nil
}
