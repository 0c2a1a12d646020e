package front

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rancher/remotedialer"

	"virtualcluster/lab/k3s/internal/pki"
)

func pair(t *testing.T, signer *pki.Authority, cn, org string) tls.Certificate {
	t.Helper()
	chain, key, err := signer.Sign(pki.Request{CN: cn, Org: org})
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, _ := pki.KeyPEM(key)
	made, err := tls.X509KeyPair(chain, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// echo is what an agent has on a port of its machine.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { defer connection.Close(); _, _ = io.Copy(connection, connection) }()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func TestKubeletsAreReachedThroughTheTunnelOfTheirNodeOnly(t *testing.T) {
	clients := authority(t, "client-ca")
	tunnels := NewTunnels(&Verifier{Clients: clients.Pool(), Requests: clients.Pool()})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			tunnels.Dial(w, r)
			return
		}
		tunnels.Open(w, r)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "https://")
	as := func(cn, org string) *tls.Config {
		return &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair(t, clients, cn, org)}}
	}
	dial := func(config *tls.Config, target string) (net.Conn, string) {
		connection, err := tls.Dial("tcp", address, config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(connection, "CONNECT %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", target)
		answer, err := http.ReadResponse(bufio.NewReaderSize(connection, 1<<10), nil)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		if answer.StatusCode != http.StatusOK {
			content, _ := io.ReadAll(answer.Body)
			text = string(content)
		}
		return connection, fmt.Sprintf("%d %s", answer.StatusCode, strings.TrimSpace(text))
	}
	apiServer, port := as("kube-apiserver", ""), echo(t)

	for name, config := range map[string]*tls.Config{
		"no certificate": {InsecureSkipVerify: true}, "a user": as("system:node:n1", "people"), "the admin": as("system:admin", "system:masters"),
	} {
		dialer := &websocket.Dialer{TLSClientConfig: config}
		_, answer, err := dialer.Dial("wss://"+address, nil)
		if err == nil || answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s opens a tunnel: %v", name, err)
		}
	}
	if _, got := dial(apiServer, "n1:"+port); got != "500 failed to find Session for client n1" {
		t.Errorf("without a tunnel: %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	open := make(chan struct{})
	go remotedialer.ClientConnect(ctx, "wss://"+address, nil, &websocket.Dialer{TLSClientConfig: as("system:node:n1", "system:nodes")},
		func(string, string) bool { return true }, func(context.Context) error { close(open); return nil })
	<-open
	for !tunnels.sessions.HasSession("n1") {
		time.Sleep(time.Millisecond)
	}
	connection, got := dial(apiServer, "n1:"+port)
	fmt.Fprint(connection, "over and back")
	back := make([]byte, len("over and back"))
	if _, err := io.ReadFull(connection, back); got != "200 " || string(back) != "over and back" {
		t.Errorf("through the tunnel: %s %q %v", got, back, err)
	}
	if _, got := dial(apiServer, "n2:"+port); got != "500 failed to find Session for client n2" {
		t.Errorf("another node: %s", got)
	}
	if _, got := dial(as("system:admin", "people"), "n1:"+port); got != "401 Unauthorized" {
		t.Errorf("a user dials: %s", got)
	}
}
