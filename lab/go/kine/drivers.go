//go:build !tools

// In the place of kine's own list of databases: the lab uses sqlite only, the k3s stand-in PostgreSQL too where there are
// several replicas, and the others bring most of what there is to compile (NATS, Pebble, MySQL and their clients).
package endpoint

import (
	_ "github.com/k3s-io/kine/pkg/drivers/pgsql"
	_ "github.com/k3s-io/kine/pkg/drivers/sqlite"
)
