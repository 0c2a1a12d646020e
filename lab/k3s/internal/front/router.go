package front

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Front serves the listener.
type Front struct {
	Certificate *Certificate
	CACerts     []byte
	StaticDir   string
	// Passwords of the supervisor's users (server, node), for its own paths only.
	Passwords map[string]string
	API       http.Handler
	Connect   http.Handler
	// Unwelcome is the status of what the supervisor says to whoever has none of them.
	Unwelcome int
	// Agents answers the agents of nodes, who come with a certificate of theirs; nil: there is no agent.
	Agents http.Handler
	// Ready says whether the API server answers.
	Ready atomic.Bool

	// HTTP2 is offered, besides HTTP/1.1.
	HTTP2 bool

	server *http.Server
}

// Listen takes the port; Serve answers.
func Listen(address string) (net.Listener, error) { return net.Listen("tcp", address) }

// Serve answers until Close.
func (f *Front) Serve(listener net.Listener) error {
	f.server = &http.Server{
		Handler: f,
		TLSConfig: &tls.Config{
			GetCertificate: f.Certificate.Get,
			ClientAuth:     tls.RequestClientCert, // verified per request: without one there may be a bearer token
			MinVersion:     tls.VersionTLS12,
		},
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(discard{}, "", 0),
	}
	serve := func() error { return f.server.ServeTLS(listener, "", "") }
	if !f.HTTP2 {
		// Not even a protocol is agreed on.
		serve = func() error { return f.server.Serve(tls.NewListener(listener, f.server.TLSConfig)) }
	}
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close ends all connections at once.
func (f *Front) Close() {
	if f.server != nil {
		_ = f.server.Close()
	}
}

func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case r.Method == http.MethodConnect:
		f.Connect.ServeHTTP(w, r)
	case path == "/ping":
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("pong"))
	case path == "/cacerts":
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(f.CACerts)
	case strings.HasPrefix(path, "/static/"):
		http.StripPrefix("/static/", http.FileServer(http.Dir(f.StaticDir))).ServeHTTP(w, r)
	case path == "/v1-k3s/connect" && f.Agents != nil:
		f.Agents.ServeHTTP(w, r)
	case strings.HasPrefix(path, "/v1-k3s/"):
		f.supervisor(w, r)
	default:
		f.API.ServeHTTP(w, r)
	}
}

// supervisor answers the paths that agents use; there is no agent, so all but the readiness is empty.
func (f *Front) supervisor(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	expected, known := f.Passwords[user]
	if !ok || !known || subtle.ConstantTimeCompare([]byte(password), []byte(expected)) != 1 {
		reason := strings.ReplaceAll(http.StatusText(f.Unwelcome), " ", "")
		status(w, f.Unwelcome, reason, reason)
		return
	}
	switch {
	case r.URL.Path == "/v1-k3s/readyz" && f.Ready.Load():
		_, _ = w.Write([]byte("ok"))
	case r.URL.Path == "/v1-k3s/readyz":
		status(w, http.StatusServiceUnavailable, "ServiceUnavailable", "runtime core not ready")
	default:
		status(w, http.StatusNotFound, "NotFound", "the stand-in serves no agents")
	}
}

// status writes a refusal as the API does.
func status(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": message, "reason": reason, "code": code,
	})
}

// WaitFree waits until nobody listens on an address: a killed predecessor's children may take a moment to die.
func WaitFree(ctx context.Context, address string) error {
	for {
		listener, err := net.Listen("tcp", address)
		if err == nil {
			return listener.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
