// Package auth stands in for the module behind traefik's basicAuth and digestAuth, whose fork of traefik's
// own cannot be had where the lab is built: it lets nobody in. No Ingress of the tests asks for it.
package auth

import "net/http"

// SecretProvider returns what a user must know.
type SecretProvider func(user, realm string) string

// BasicAuth lets nobody in.
type BasicAuth struct {
	Realm   string
	Secrets SecretProvider
}

// RequireAuth refuses.
func (*BasicAuth) RequireAuth(w http.ResponseWriter, _ *http.Request) { refuse(w) }

// CheckSecret finds no secret right.
func CheckSecret(_, _ string) bool { return false }

// DigestAuth lets nobody in.
type DigestAuth struct{}

// NewDigestAuthenticator returns one that lets nobody in.
func NewDigestAuthenticator(string, SecretProvider) *DigestAuth { return &DigestAuth{} }

// CheckAuth finds no user.
func (*DigestAuth) CheckAuth(*http.Request) (string, *string) { return "", nil }

// RequireAuth refuses.
func (*DigestAuth) RequireAuth(w http.ResponseWriter, _ *http.Request) { refuse(w) }

// RequireAuthStale refuses.
func (*DigestAuth) RequireAuthStale(w http.ResponseWriter, _ *http.Request) { refuse(w) }

// DigestAuthParams reads nothing.
func DigestAuthParams(string) map[string]string { return nil }

func refuse(w http.ResponseWriter) {
	http.Error(w, "this traefik was built without authentication", http.StatusUnauthorized)
}
