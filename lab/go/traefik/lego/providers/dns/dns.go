// Package dns finds no solver of DNS challenges.
package dns

import (
	absent "github.com/go-acme/lego/v5"
	"github.com/go-acme/lego/v5/challenge"
)

// NewDNSChallengeProviderByName fails.
func NewDNSChallengeProviderByName(string) (challenge.Provider, error) { return nil, absent.ErrACME }
