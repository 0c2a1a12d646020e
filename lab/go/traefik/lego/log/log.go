// Package log takes a logger that nothing here writes to.
package log

import "log/slog"

// SetDefault does nothing.
func SetDefault(*slog.Logger) {}
