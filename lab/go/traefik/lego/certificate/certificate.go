// Package certificate orders no certificates.
package certificate

import (
	"context"

	absent "github.com/go-acme/lego/v5"
	"github.com/go-acme/lego/v5/certcrypto"
)

// ObtainRequest is an order.
type ObtainRequest struct {
	Domains          []string
	EmailAddresses   []string
	KeyType          certcrypto.KeyType
	Bundle           bool
	EnableCommonName bool
	Profile          string
	PreferredChain   string
}

// RenewOptions are those of a renewal.
type RenewOptions struct {
	EmailAddresses   []string
	Bundle           bool
	EnableCommonName bool
	Profile          string
	PreferredChain   string
}

// Resource is a certificate with its key.
type Resource struct {
	ID          string
	Domains     []string
	PrivateKey  []byte
	Certificate []byte
}

// Certifier orders no certificates.
type Certifier struct{}

// Obtain fails.
func (Certifier) Obtain(context.Context, ObtainRequest) (*Resource, error) { return nil, absent.ErrACME }

// Renew fails.
func (Certifier) Renew(context.Context, Resource, *RenewOptions) (*Resource, error) {
	return nil, absent.ErrACME
}
