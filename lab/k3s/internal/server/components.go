package server

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"virtualcluster/lab/k3s/internal/family"
	"virtualcluster/lab/k3s/internal/front"
	"virtualcluster/lab/k3s/internal/logs"
)

// Binary finds a component in a directory of its minor's, or beside all minors'. K3S_STAND_IN_BIN may list other
// directories, separated by colons.
func Binary(minor int, name string) string {
	roots := os.Getenv("K3S_STAND_IN_BIN")
	if roots == "" {
		roots = "/opt/stand-in"
	}
	for _, root := range filepath.SplitList(roots) {
		for _, path := range []string{filepath.Join(root, fmt.Sprintf("1.%d", minor), name), filepath.Join(root, name)} {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return ""
}

func (r *run) start(name string, args []string, environment ...string) error {
	path := Binary(r.s.Family.Minor, name)
	if path == "" {
		return fmt.Errorf("stand-in: no program %s for k3s 1.%d", name, r.s.Family.Minor)
	}
	logs.Info("Running %s %s", name, strings.Join(args, " "))
	// Fewer collections: start-up is all allocation. Measured on 2 cores: ready after 2.6 s instead of 3.6 s, for
	// 380 MB instead of 265 MB of kube-apiserver. The limit makes it collect as usual once there is much.
	return r.children.Start(name, path, args, append([]string{"GOGC=400", "GOMEMLIMIT=512MiB"}, environment...))
}

func (r *run) apiServer(etcd string) error {
	s := r.s
	user := s.APIServerArgs
	if _, given := family.UserValue(user, "endpoint-reconciler-type"); !given {
		// k3s' fork knows advertise-port; upstream would publish the inner port. So the front writes the Endpoints.
		user = append(user, "endpoint-reconciler-type=none")
		r.ownEndpoints = true
	}
	for name, drop := range map[string]string{"authorization-config": "authorization-mode", "authentication-config": "anonymous-auth"} {
		if _, given := family.UserValue(user, name); given {
			logs.Warn("Not setting kube-apiserver '%s' flag due to user-provided '%s' file.", drop, name)
			r.dropped = append(r.dropped, drop)
		}
	}
	defaults := s.Family.Defaults(family.APIServer, variables(s, etcd), conditions(s)...)
	maps.Copy(defaults, r.etcdFiles())
	for _, name := range r.dropped {
		delete(defaults, name)
	}
	if delay, err := time.ParseDuration(os.Getenv("K3S_STAND_IN_APISERVER_DELAY")); err == nil {
		// For a test of clients that take the kubeconfig's existence for readiness.
		select {
		case <-r.ctx.Done():
			return nil
		case <-time.After(delay):
		}
	}
	ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
	defer cancel()
	if err := front.WaitFree(ctx, net.JoinHostPort(s.APIServerBind, strconv.Itoa(s.APIServerPort))); err != nil {
		return err
	}
	return r.start("kube-apiserver", s.Family.Merge(defaults, user))
}

// quick is not k3s': with use-service-account-credentials every controller asks for its token first, and upstream's 20
// requests a second make that four seconds of every start.
var quick = map[string]string{"kube-api-qps": "500", "kube-api-burst": "1000"}

func (r *run) controllers() error {
	s := r.s
	if s.DisableControllers {
		return nil
	}
	defaults := s.Family.Defaults(family.ControllerManager, variables(s, ""), conditions(s)...)
	maps.Copy(defaults, quick)
	return r.start("kube-controller-manager", s.Family.Merge(defaults, s.ControllerArgs))
}

func (r *run) scheduler() error {
	s := r.s
	if s.DisableScheduler {
		return nil
	}
	defaults := s.Family.Defaults(family.Scheduler, variables(s, ""), conditions(s)...)
	return r.start("kube-scheduler", s.Family.Merge(defaults, s.SchedulerArgs))
}
