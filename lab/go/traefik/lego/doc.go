// Package absent stands in for the module of traefik's ACME client, which cannot be had where the lab is
// built: the surface that traefik compiles against, where every order fails. The lab's certificates come
// from cert-manager.
package absent

import "errors"

// ErrACME is what every order ends with.
var ErrACME = errors.New("this traefik was built without an ACME client: use cert-manager")
