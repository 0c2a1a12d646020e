// Package http01 has the constants and options of HTTP challenges.
package http01

import "time"

// PathPrefix is where RFC 8555 puts HTTP challenges.
const PathPrefix = "/.well-known/acme-challenge/"

// Option is a setting of the solver.
type Option func()

// SetDelay is a setting without effect.
func SetDelay(time.Duration) Option { return func() {} }
