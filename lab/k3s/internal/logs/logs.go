// Package logs writes lines of the form k3s users know: time="…" level=info msg="…".
package logs

import (
	"fmt"
	"os"
	"sync"
	"time"
)

var mutex sync.Mutex

func write(level, format string, args ...any) {
	mutex.Lock()
	defer mutex.Unlock()
	fmt.Fprintf(os.Stderr, "time=%q level=%s msg=%q\n", time.Now().UTC().Format(time.RFC3339), level, fmt.Sprintf(format, args...))
}

// Info reports progress.
func Info(format string, args ...any) { write("info", format, args...) }

// Warn reports what works less well than asked for.
func Warn(format string, args ...any) { write("warning", format, args...) }

// Error reports what failed and will be tried again.
func Error(format string, args ...any) { write("error", format, args...) }

// Fatal reports why the process ends. It does not end it: the caller has children to stop first.
func Fatal(format string, args ...any) { write("fatal", format, args...) }
