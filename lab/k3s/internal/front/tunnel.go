package front

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rancher/remotedialer"
)

// Tunnels are what k3s 1.16 reaches kubelets through: its agents hold a WebSocket each, speaking the protocol of
// the very library that k3s has in it. There is no other way: an address without a tunnel is refused.
type Tunnels struct {
	verifier *Verifier
	sessions *remotedialer.Server
}

// NewTunnels makes the server of the tunnels.
func NewTunnels(verifier *Verifier) *Tunnels {
	t := &Tunnels{verifier: verifier}
	t.sessions = remotedialer.New(t.node, remotedialer.DefaultErrorWriter)
	return t
}

// node says whose tunnel it is: that of the node in the certificate's name.
func (t *Tunnels) node(r *http.Request) (string, bool, error) {
	identity := t.verifier.Identify(r)
	if identity == nil || !slices.Contains(identity.Groups, "system:nodes") {
		return "", false, nil
	}
	name, is := strings.CutPrefix(identity.User, "system:node:")
	return name, is, nil
}

// Open is /v1-k3s/connect: an agent opens its tunnel and it stays open.
func (t *Tunnels) Open(w http.ResponseWriter, r *http.Request) {
	if _, is, _ := t.node(r); !is {
		status(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
		return
	}
	t.sessions.ServeHTTP(w, r)
}

// Dial answers the API server's CONNECT: the tunnel is that of the dialed host's name, and at its other end the port
// is one of the agent's own machine.
func (t *Tunnels) Dial(w http.ResponseWriter, r *http.Request) {
	if !t.verifier.isMaster(r) {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	backend, err := t.sessions.Dial(host, 15*time.Second, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer backend.Close()
	splice(w, backend)
}
