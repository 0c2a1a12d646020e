// Package lego makes no client.
package lego

import (
	"crypto/x509"
	"net/http"
	"time"

	absent "github.com/go-acme/lego/v5"
	"github.com/go-acme/lego/v5/certificate"
	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/challenge/dns01"
	"github.com/go-acme/lego/v5/challenge/http01"
	"github.com/go-acme/lego/v5/challenge/tlsalpn01"
	"github.com/go-acme/lego/v5/registration"
)

// DirectoryURLLetsEncrypt is nowhere: the lab reaches no ACME server.
const DirectoryURLLetsEncrypt = "https://acme.invalid/directory"

// Config is a client's.
type Config struct {
	CADirURL    string
	UserAgent   string
	HTTPClient  *http.Client
	Certificate struct{ Timeout time.Duration }
}

// NewConfig returns a configuration.
func NewConfig(any) *Config { return &Config{} }

// Solvers takes solvers and never asks them.
type Solvers struct{}

// SetDNS01Provider does nothing.
func (Solvers) SetDNS01Provider(challenge.Provider, ...dns01.Option) error { return absent.ErrACME }

// SetHTTP01Provider does nothing.
func (Solvers) SetHTTP01Provider(challenge.Provider, ...http01.Option) error { return absent.ErrACME }

// SetTLSALPN01Provider does nothing.
func (Solvers) SetTLSALPN01Provider(challenge.Provider, ...tlsalpn01.Option) error {
	return absent.ErrACME
}

// Client is a client that cannot be made.
type Client struct {
	Certificate  certificate.Certifier
	Challenge    Solvers
	Registration registration.Registrar
}

// NewClient fails.
func NewClient(*Config) (*Client, error) { return nil, absent.ErrACME }

// CreateCertPool fails.
func CreateCertPool([]string, bool) (*x509.CertPool, error) { return nil, absent.ErrACME }
