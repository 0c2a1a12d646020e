// Package integration runs the stand-in for real, outside any container. It needs the upstream programs:
//
//	K3S_STAND_IN_BIN=<directories with kine, kube-apiserver, kube-controller-manager, kubectl> go test ./...
//
// of the Kubernetes version whose k3s K3S_STAND_IN_VERSION names, 1.34 unless it is set.
package integration

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"virtualcluster/lab/k3s/internal/family"
)

var (
	binary   string // the stand-in, built once
	programs = os.Getenv("K3S_STAND_IN_BIN")
	row      *family.Family
	release  string // the full version that is posed as
)

func TestMain(m *testing.M) {
	if programs == "" {
		fmt.Println("skipped: K3S_STAND_IN_BIN names no directory with the upstream programs")
		os.Exit(0)
	}
	os.Exit(build(m))
}

func build(m *testing.M) int {
	version := os.Getenv("K3S_STAND_IN_VERSION")
	if version == "" {
		version = "1.34"
	}
	var err error
	if row, release, err = family.Of(version); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "stand-in")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "k3s")
	command := exec.Command("go", "build", "-o", binary, "..")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

type object = map[string]any

// instance is one data directory and the server that runs on it.
type instance struct {
	t    *testing.T
	dir  string
	port int
	args []string
	cmd  *exec.Cmd
	done chan struct{}
	code int
	log  string
	// environment on top of what every instance has
	environment []string
}

func newInstance(t *testing.T, args ...string) *instance {
	t.Helper()
	dir := t.TempDir()
	s := &instance{t: t, dir: dir, port: freePorts(t)}
	s.args = append([]string{
		"server", "--write-kubeconfig=" + s.path("kc/kube-config.yaml"), "--data-dir=" + s.path("data"),
		"--" + disable() + "=traefik,servicelb,metrics-server,local-storage", "--disable-network-policy", "--disable-agent",
		"--disable-scheduler", "--disable-cloud-controller", "--flannel-backend=none", "--service-cidr=10.96.0.0/12",
		"--kube-controller-manager-arg=controllers=*,-nodeipam,-nodelifecycle,-persistentvolume-binder,-attachdetach," +
			"-persistentvolume-expander,-cloud-node-lifecycle",
		fmt.Sprintf("--https-listen-port=%d", s.port),
		fmt.Sprintf("--kube-controller-manager-arg=%s=%d", controllersPort(), s.port+2),
	}, args...)
	t.Cleanup(func() {
		s.kill(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("log of the stand-in:\n%s", s.own())
		}
	})
	return s
}

// disable is the flag that leaves packaged components out.
func disable() string {
	if row.Minor < 17 {
		return "no-deploy"
	}
	return "disable"
}

// controllersPort is the argument for the only port of kube-controller-manager.
func controllersPort() string {
	if row.Minor < 22 {
		return "port"
	}
	return "secure-port"
}

// direct are the arguments with which the API server dials kubelets itself, where it needs any.
func direct() []string {
	if row.KubeletDial == family.DialSelector {
		return []string{"--egress-selector-mode=disabled"}
	}
	return nil
}

var lastPort atomic.Int32 // tests in parallel must not find the same ones

// freePorts finds three ports in a row that nobody has.
func freePorts(t *testing.T) int {
	t.Helper()
	for {
		port := 20000 + (os.Getpid()*10+int(lastPort.Add(3)))%12000
		free := true
		for i := range 3 {
			listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port+i))
			if free = free && err == nil; err == nil {
				listener.Close()
			}
		}
		if free {
			return port
		}
	}
}

func (s *instance) path(name string) string { return filepath.Join(s.dir, name) }
func (s *instance) tls(name string) string  { return s.path("data/server/tls/" + name) }

func (s *instance) env() []string {
	return append(append(os.Environ(), "K3S_STAND_IN_VERSION="+release, "K3S_STAND_IN_ETC="+s.path("etc")), s.environment...)
}

func (s *instance) start(args ...string) {
	s.t.Helper()
	s.log = s.path(fmt.Sprintf("log-%d", time.Now().UnixNano()))
	file, err := os.Create(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(binary, append(s.args, args...)...)
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Env = file, file, s.env()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done, cmd := make(chan struct{}), s.cmd
	s.done = done
	go func() {
		_ = cmd.Wait()
		s.code = cmd.ProcessState.ExitCode()
		file.Close()
		close(done)
	}()
}

// ready waits until the server says so.
func (s *instance) ready() {
	s.t.Helper()
	s.eventually("ready", 60*time.Second, func() error {
		select {
		case <-s.done:
			s.t.Fatalf("the stand-in ended with %d", s.code)
		default:
		}
		// Older ones write the kubeconfig last.
		if log := s.own(); !strings.Contains(log, "k3s is up and running") || !strings.Contains(log, "Wrote kubeconfig") {
			return fmt.Errorf("not yet")
		}
		return nil
	})
}

// kill ends the server and returns how long that took.
func (s *instance) kill(signal syscall.Signal) time.Duration {
	begin := time.Now()
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(signal)
		<-s.done
	}
	return time.Since(begin)
}

// exits waits for an end of its own accord and returns the code.
func (s *instance) exits() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		s.t.Fatal("the stand-in did not end")
	}
	return s.code
}

// own returns what the front logged, without its children's lines.
func (s *instance) own() string {
	content, _ := os.ReadFile(s.log)
	var lines []string
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "time=") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func (s *instance) eventually(what string, limit time.Duration, check func() error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s: %v", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// made waits for what a controller makes after the server is ready.
func (s *instance) made(path string) object {
	s.t.Helper()
	var found object
	s.eventually(path, 60*time.Second, func() error {
		code, body, text := s.do(s.admin(), http.MethodGet, path, nil)
		if code != http.StatusOK {
			return fmt.Errorf("%d %s", code, text)
		}
		found = body
		return nil
	})
	return found
}

func (s *instance) children() []int {
	out, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.cmd.Process.Pid))
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.cmd.Process.Pid))
	for _, thread := range threads {
		more, _ := os.ReadFile(thread)
		out = append(append(out, ' '), more...)
	}
	seen := map[int]bool{}
	var pids []int
	for field := range strings.FieldsSeq(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil && !seen[pid] {
			seen[pid] = true
			pids = append(pids, pid)
		}
	}
	return pids
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
