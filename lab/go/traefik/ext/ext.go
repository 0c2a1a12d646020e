// Package ext has the places where a commercial edition extends traefik's configuration: nothing is there. The
// module of traefik leaves out its own, equally empty one.
package ext

// HTTP adds nothing.
type HTTP struct{}

// Router adds nothing.
type Router struct{}
