package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"virtualcluster/lab/k3s/internal/bootstrap"
	"virtualcluster/lab/k3s/internal/child"
	"virtualcluster/lab/k3s/internal/deploy"
	"virtualcluster/lab/k3s/internal/family"
	"virtualcluster/lab/k3s/internal/front"
	"virtualcluster/lab/k3s/internal/kube"
	"virtualcluster/lab/k3s/internal/logs"
	"virtualcluster/lab/k3s/internal/nodes"
	"virtualcluster/lab/k3s/internal/pki"
	"virtualcluster/lab/k3s/internal/settings"
)

// run is one life of the server.
type run struct {
	s            *settings.Server
	ctx          context.Context
	children     *child.Group
	store        *pki.Store
	front        *front.Front
	client       *kube.Client
	nodes        *nodes.Controller
	password     string
	ownEndpoints bool
	dropped      []string
	started      time.Time
}

// Run serves until SIGTERM or SIGINT (nil) or until any part fails: then all of it ends with that reason.
func Run(s *settings.Server) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{s: s, ctx: ctx, children: child.NewGroup(), started: time.Now()}
	r.children.Reap()
	failed := make(chan error, 4)
	err := r.prepare(failed)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		case exit := <-r.children.Exits():
			if ctx.Err() == nil {
				err = r.ended(exit)
			}
		}
	}
	cancel()
	r.shutdown()
	return err
}

// ended is what the end of a component is to the server: nil where k3s shuts down in order.
func (r *run) ended(exit child.Exit) error {
	err := fmt.Errorf("%s exited: %w", exit.Name, exitReason(exit.Err))
	if r.s.Family.EndsQuietly && exit.Name != "kine" { // which is no process of k3s'
		logs.Error("Shutdown request received: %q", err)
		return nil
	}
	return err
}

func exitReason(err error) error {
	if err == nil {
		return os.ErrProcessDone
	}
	return err
}

// shutdown is prompt: clients first, then the API, so that no write is under way when the datastore goes.
func (r *run) shutdown() {
	if r.front != nil {
		r.front.Close()
	}
	// Upstream would now wait for its own watches to end, k3s in one process does not.
	r.children.Stop(250*time.Millisecond, "kube-apiserver", "kube-controller-manager", "kube-scheduler")
	r.children.Stop(500*time.Millisecond, "kine")
}

// prepare starts everything; what goes on in the background reports to failed.
func (r *run) prepare(failed chan<- error) error {
	s := r.s
	if !s.Addressed && !settings.HasDefaultRoute() {
		return errors.New(`no default routes found in "/proc/net/route" or "/proc/net/ipv6_route"`)
	}
	if err := directories(s); err != nil {
		return err
	}
	if err := os.Chdir(s.Path()); err != nil { // sockets and the database have relative names, as in k3s
		return err
	}
	if err := r.token(); err != nil {
		return fmt.Errorf("preparing server: failed to bootstrap cluster data: %w", err)
	}
	etcd, err := r.datastore() // needs no certificates: it starts while they are made
	if err != nil {
		return err
	}
	if r.outside() {
		if err := r.share(etcd); err != nil {
			return fmt.Errorf("preparing server: failed to bootstrap cluster data: %w", err)
		}
	}
	if err := r.certificates(); err != nil {
		return fmt.Errorf("preparing server: failed to generate server dependencies: %w", err)
	}
	if err := r.listen(failed); err != nil {
		return fmt.Errorf("preparing server: failed to start supervisor listener: %w", err)
	}
	if s.Family.KubeconfigBeforeReady {
		if err := kubeconfig(s, r.password); err != nil {
			return err
		}
	}
	if err := deploy.Stage(s); err != nil {
		return err
	}
	if err := r.apiServer(etcd); err != nil {
		return err
	}
	go func() {
		if err := r.whenReady(); err != nil && r.ctx.Err() == nil {
			failed <- err
		}
	}()
	return nil
}

func (r *run) token() error {
	password, err := bootstrap.Choose(r.s.Token, r.s.Path("token"))
	if err != nil {
		return err
	}
	r.password = password
	if r.s.Family.BootstrapData && !r.outside() {
		return bootstrap.Restore(r.s.Path("db", "bootstrap.sealed"), r.s.Path("tls"), password)
	}
	return nil
}

func (r *run) certificates() error {
	s := r.s
	store, err := pki.Open(s.Path("tls"), s.Family, s.InnerSANs())
	if err != nil {
		return err
	}
	r.store = store
	agentPassword := s.AgentToken
	if agentPassword != "" {
		if agentPassword, err = bootstrap.Password(agentPassword); err != nil {
			return err
		}
	}
	hash := store.Authorities[family.ServerCA].Hash()
	for _, step := range []func() error{
		func() error {
			return bootstrap.WriteTokens(s.Path(), hash, r.password, agentPassword, s.Family.BasicAuth)
		},
		func() error { return agentCerts(s, store) },
		func() error { return credentials(s) },
		func() error { return encryption(s) },
		func() error {
			if !s.Family.BootstrapData || r.outside() {
				return nil
			}
			return bootstrap.Save(s.Path("db", "bootstrap.sealed"), s.Path("tls"), r.password)
		},
		func() error { return components(s) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) listen(failed chan<- error) error {
	s, authorities := r.s, r.store.Authorities
	certificate, err := front.OpenCertificate(s.Path("tls", "dynamic-cert.json"), authorities[family.ServerCA],
		!s.SANSecurity, s.Family.OpenFiles, s.StaticSANs())
	if err != nil {
		return err
	}
	inner := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.APIServerPort))
	proxyTLS, err := r.clientTLS("client-auth-proxy")
	if err != nil {
		return err
	}
	supervisor := "client-supervisor"
	if !s.Family.Chains() {
		supervisor = "client-admin"
	}
	clientTLS, err := r.clientTLS(supervisor)
	if err != nil {
		return err
	}
	r.client = kube.New("https://"+inner, clientTLS).As(r.agent("k3s-supervisor"))
	r.nodes = nodes.New(r.client, !s.IsDisabled("coredns"), s.Family.HostsByIP)
	verifier := &front.Verifier{Clients: authorities[family.ClientCA].Pool(), Requests: authorities[family.RequestCA].Pool()}
	agentPassword := s.AgentToken
	if agentPassword == "" {
		agentPassword = r.password
	}
	egress := http.Handler(&front.Egress{Verifier: verifier, Nodes: r.nodes, OwnNode: s.NodeName})
	var agents http.Handler
	if s.Family.KubeletDial == family.DialTunnel {
		tunnels := front.NewTunnels(verifier)
		egress, agents = http.HandlerFunc(tunnels.Dial), http.HandlerFunc(tunnels.Open)
	}
	r.front = &front.Front{
		HTTP2:       s.Family.HTTP2,
		Certificate: certificate, CACerts: authorities[family.ServerCA].PEM, StaticDir: s.Path("static"),
		Passwords: map[string]string{"server": r.password, "node": agentPassword}, Unwelcome: s.Family.Unwelcome,
		API:     front.NewProxy(inner, proxyTLS, verifier, s.Version),
		Connect: egress, Agents: agents,
	}
	listener, err := front.Listen(net.JoinHostPort(s.BindAddress, strconv.Itoa(s.Port)))
	if err != nil {
		return err
	}
	go func() {
		if err := r.front.Serve(listener); err != nil {
			failed <- err
		}
	}()
	return nil
}

// agent is the User-Agent of one of k3s' own controllers.
func (r *run) agent(controller string) string {
	manager := "k3s"
	if r.s.Family.NamedManagers {
		manager = controller + "@" + r.s.NodeName
	}
	return manager + "/" + r.s.Version + " (" + runtime.GOOS + "/" + runtime.GOARCH + ") stand-in"
}

func (r *run) clientTLS(leaf string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(r.s.Path("tls", leaf+".crt"), r.s.Path("tls", leaf+".key"))
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, RootCAs: r.store.Authorities[family.ServerCA].Pool(),
		ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12,
	}, nil
}
