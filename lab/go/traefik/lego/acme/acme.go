// Package acme has the types of an ACME account that traefik stores.
package acme

// Account is an account.
type Account struct {
	Status string `json:"status,omitempty"`
}

// ExtendedAccount is an account and where it is.
type ExtendedAccount struct {
	Account

	Location string `json:"-"`
}
