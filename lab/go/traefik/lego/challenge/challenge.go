// Package challenge has what a solver of challenges is.
package challenge

import "context"

// Provider solves challenges.
type Provider interface {
	Present(ctx context.Context, domain, token, keyAuth string) error
	CleanUp(ctx context.Context, domain, token, keyAuth string) error
}
