// Package dns01 has the options of DNS challenges.
package dns01

import (
	"strings"
	"time"
)

// Option is a setting of the solver.
type Option func()

// Options are the settings of a Client.
type Options struct{ RecursiveNameservers []string }

// Client asks name servers; this one never does.
type Client struct{}

// NewClient returns a client.
func NewClient(*Options) *Client { return &Client{} }

// SetDefaultClient does nothing.
func SetDefaultClient(*Client) {}

// CondOptions is a setting without effect.
func CondOptions(bool, ...Option) Option { return func() {} }

// DisableAuthoritativeNssPropagationRequirement is a setting without effect.
func DisableAuthoritativeNssPropagationRequirement() Option { return func() {} }

// DisableRecursiveNSsPropagationRequirement is a setting without effect.
func DisableRecursiveNSsPropagationRequirement() Option { return func() {} }

// PropagationWait is a setting without effect.
func PropagationWait(time.Duration, bool) Option { return func() {} }

// UnFqdn returns a name without the dot at its end.
func UnFqdn(name string) string { return strings.TrimSuffix(name, ".") }
