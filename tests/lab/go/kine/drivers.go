//go:build !tools

// In the place of kine's own list of databases: the lab and the k3s stand-in use sqlite only, and the others bring
// most of what there is to compile (NATS, Pebble, MySQL, PostgreSQL and their clients).
package endpoint

import _ "github.com/k3s-io/kine/pkg/drivers/sqlite"
