package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"virtualcluster/lab/k3s/internal/family"
)

// WithFile puts the flags of k3s' configuration file in front of the command line's own, so that the latter win.
// A missing default file is fine, a missing file that was asked for is not.
func WithFile(args []string, row *family.Family) ([]string, error) {
	if !slices.ContainsFunc(row.Flags(), func(flag family.Flag) bool { return strings.HasPrefix(flag.Names, "config,") }) {
		return args, nil
	}
	path, asked := os.Getenv("K3S_CONFIG_FILE"), true
	for i, arg := range args {
		name, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") || name != "config" && name != "c" {
			continue
		}
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		path = value
	}
	if path == "" {
		path, asked = "/etc/rancher/k3s/config.yaml", false
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return args, nil
	} else if err != nil {
		return nil, err
	}
	var values map[string]any
	if err := yaml.Unmarshal(content, &values); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var flags []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list, ok := values[name].([]any)
		if !ok {
			list = []any{values[name]}
		}
		for _, value := range list {
			flags = append(flags, fmt.Sprintf("--%s=%v", strings.TrimSuffix(name, "+"), value))
		}
	}
	return append(flags, args...), nil
}
