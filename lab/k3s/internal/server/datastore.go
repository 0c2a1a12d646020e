package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"virtualcluster/lab/k3s/internal/bootstrap"
	"virtualcluster/lab/k3s/internal/logs"
	"virtualcluster/lab/k3s/internal/pki"
)

const (
	patience = 5 * time.Second // for one answer of the datastore
	again    = time.Second
	startup  = time.Minute // a datastore that is not there for so long ends k3s, which is started again
)

// outside tells whether the state is outside of the data directory, where other servers may share it.
func (r *run) outside() bool { return r.s.DatastoreEndpoint != "" }

// isEtcd tells whether the endpoint is an etcd, which needs no kine.
func isEtcd(endpoint string) bool {
	return strings.HasPrefix(endpoint, "http://") || strings.HasPrefix(endpoint, "https://")
}

// datastore starts kine unless the endpoint is an etcd, and returns what the API server connects to.
func (r *run) datastore() (string, error) {
	s := r.s
	if isEtcd(s.DatastoreEndpoint) {
		return s.DatastoreEndpoint, nil
	}
	_ = os.Remove("kine.sock") // of a killed predecessor
	args := []string{"--listen-address=unix://kine.sock", "--metrics-bind-address=0"}
	var environment []string
	if r.outside() {
		// Not an argument: it has a password in it, and arguments are logged.
		environment = []string{"KINE_ENDPOINT=" + s.DatastoreEndpoint}
		for flag, file := range map[string]string{
			"ca-file": s.DatastoreCA, "cert-file": s.DatastoreCert, "key-file": s.DatastoreKey,
		} {
			if file != "" {
				args = append(args, "--"+flag+"="+file)
			}
		}
	}
	return "unix://kine.sock", r.start("kine", args, environment...)
}

// etcdFiles are the arguments by which kube-apiserver reaches an etcd by TLS; kine's socket needs none.
func (r *run) etcdFiles() map[string]string {
	found := map[string]string{}
	if !isEtcd(r.s.DatastoreEndpoint) {
		return found
	}
	for name, file := range map[string]string{
		"etcd-cafile": r.s.DatastoreCA, "etcd-certfile": r.s.DatastoreCert, "etcd-keyfile": r.s.DatastoreKey,
	} {
		if file != "" {
			found[name] = file
		}
	}
	return found
}

// share makes the authorities those of the cluster: what is stored wins, else ours are stored, and whoever is faster
// wins among servers that start together.
func (r *run) share(etcd string) error {
	keys, err := r.connect(etcd)
	if err != nil {
		return err
	}
	defer keys.Close()
	ctx, cancel := context.WithTimeout(r.ctx, startup)
	defer cancel()
	tls := r.s.Path("tls")
	for ctx.Err() == nil {
		found, err := bootstrap.Take(ctx, keys, tls, r.password)
		if err == nil && !found {
			// The authorities alone are what is shared; the leaves are made from whatever they turn out to be.
			if _, err = pki.Open(tls, r.s.Family, r.s.InnerSANs()); err == nil {
				found, err = bootstrap.Offer(ctx, keys, tls, r.password)
			}
		}
		switch {
		case err == nil && found:
			return nil
		case err == nil: // another was faster
		case errors.Is(err, errNoAnswer):
			logs.Warn("Waiting for the datastore: %v", err)
			select {
			case exit := <-r.children.Exits(): // two that make the database at one moment: k3s ends too, and starts again
				return fmt.Errorf("%s exited: %w", exit.Name, exitReason(exit.Err))
			case <-time.After(again):
			}
		default:
			return err
		}
	}
	return errors.New("the datastore does not answer")
}

var errNoAnswer = errors.New("no answer")

// store is an etcd, or kine, which speaks as much of its language as is used here.
type store struct{ *clientv3.Client }

func (r *run) connect(etcd string) (*store, error) {
	config := clientv3.Config{Endpoints: strings.Split(etcd, ","), DialTimeout: patience}
	if isEtcd(etcd) && r.s.DatastoreCA+r.s.DatastoreCert != "" {
		var err error
		if config.TLS, err = r.datastoreTLS(); err != nil {
			return nil, err
		}
	}
	client, err := clientv3.New(config)
	return &store{client}, err
}

func (r *run) datastoreTLS() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := r.s.DatastoreCA; file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(content) {
			return nil, fmt.Errorf("%s holds no certificate", file)
		}
	}
	if file := r.s.DatastoreCert; file != "" {
		pair, err := tls.LoadX509KeyPair(file, r.s.DatastoreKey)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (s *store) Get(ctx context.Context, key string) ([]byte, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := s.Client.Get(ctx, key)
	if err != nil || len(answer.Kvs) == 0 {
		return nil, false, noAnswer(err)
	}
	return answer.Kvs[0].Value, true, nil
}

func (s *store) Create(ctx context.Context, key string, value []byte) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	absent := clientv3.Compare(clientv3.ModRevision(key), "=", 0)
	answer, err := s.Txn(ctx).If(absent).Then(clientv3.OpPut(key, string(value))).Commit()
	if err != nil {
		return false, noAnswer(err)
	}
	return answer.Succeeded, nil
}

func (s *store) Any(ctx context.Context, prefix string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := s.Client.Get(ctx, prefix, clientv3.WithPrefix())
	if err != nil {
		return false, noAnswer(err)
	}
	return len(answer.Kvs) > 0, nil
}

func noAnswer(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(errNoAnswer, err)
}
