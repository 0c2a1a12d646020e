// Package tlsalpn01 has the constants and options of TLS challenges.
package tlsalpn01

import (
	"time"

	absent "github.com/go-acme/lego/v5"
)

// ACMETLS1Protocol is the ALPN protocol of RFC 8737.
const ACMETLS1Protocol = "acme-tls/1"

// Option is a setting of the solver.
type Option func()

// SetDelay is a setting without effect.
func SetDelay(time.Duration) Option { return func() {} }

// ChallengeBlocks fails.
func ChallengeBlocks(_, _ string) ([]byte, []byte, error) { return nil, nil, absent.ErrACME }
