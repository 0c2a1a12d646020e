package family

import (
	"os"
	"slices"
	"strings"
)

// Arg is one default argument that k3s gives a component. Value may name variables as ${tls}; an argument whose
// When condition is not among the caller's is left out.
type Arg struct {
	Name, Value string
	Span        Span
	When        string
}

// Conditions that When may name.
const (
	WithEgress     = "egress selector"
	WithTunnel     = "tunnelled kubelets"
	WithoutLeaders = "single server"
	WithCloud      = "cloud controller"
	WithEncryption = "secrets encryption"
)

// Defaults returns the arguments of one component as k3s of this family would build them.
func (f *Family) Defaults(component []Arg, vars map[string]string, conditions ...string) map[string]string {
	args := map[string]string{}
	for _, arg := range component {
		if arg.Span.Has(f.Minor) && (arg.When == "" || slices.Contains(conditions, arg.When)) {
			args[arg.Name] = os.Expand(arg.Value, func(name string) string { return vars[name] })
		}
	}
	return args
}

// Merge lays the user's arguments over the defaults by k3s' rules and returns the command line, sorted by name.
//
//  1. name=value replaces the default; repeats are kept (RepeatArgs) or the last one wins (older families).
//  2. name+=value appends to the default, name-=value prepends (RepeatArgs only).
//  3. A bare name means name=true.
func (f *Family) Merge(defaults map[string]string, user []string) []string {
	values := map[string][]string{}
	for name, value := range defaults {
		values[name] = []string{value}
	}
	replaced := map[string]bool{}
	for _, arg := range user {
		name, value, ok := strings.Cut(strings.TrimLeft(strings.TrimSpace(arg), "-"), "=")
		if !ok {
			value = "true"
		}
		clean := strings.TrimRight(name, "+-")
		switch {
		case f.RepeatArgs && strings.HasSuffix(name, "+"):
			values[clean] = []string{strings.Join(append(slices.Clone(values[clean]), value), ",")}
		case f.RepeatArgs && strings.HasSuffix(name, "-"):
			values[clean] = []string{strings.Join(append([]string{value}, values[clean]...), ",")}
		case f.RepeatArgs && replaced[name]:
			values[name] = append(values[name], value)
		default:
			values[name] = []string{value}
			replaced[name] = true
		}
	}
	var line []string
	for name, list := range values {
		for _, value := range list {
			line = append(line, "--"+name+"="+value)
		}
	}
	// Stable by name only: the order of one name's repeats is the user's.
	slices.SortStableFunc(line, func(a, b string) int {
		left, _, _ := strings.Cut(a, "=")
		right, _, _ := strings.Cut(b, "=")
		return strings.Compare(left, right)
	})
	return line
}

// UserValue returns the last value the user gave for an argument.
func UserValue(user []string, name string) (string, bool) {
	for _, arg := range slices.Backward(user) {
		if got, value, _ := strings.Cut(strings.TrimLeft(strings.TrimSpace(arg), "-"), "="); got == name {
			return value, true
		}
	}
	return "", false
}
