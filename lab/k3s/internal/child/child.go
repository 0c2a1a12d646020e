// Package child runs the components as processes that live and die together with this one.
package child

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"virtualcluster/lab/k3s/internal/logs"
)

// Exit tells which child ended and how.
type Exit struct {
	Name string
	Err  error
}

// Group is a set of children. A SIGKILL of this process kills them too (PR_SET_PDEATHSIG).
type Group struct {
	starts   chan func()
	exits    chan Exit
	mutex    sync.Mutex
	children []*running
}

type running struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
}

// NewGroup makes an empty group.
func NewGroup() *Group {
	group := &Group{starts: make(chan func()), exits: make(chan Exit, 16)}
	go func() {
		// The kernel sends the death signal when the *thread* that forked ends, so one thread forks and never ends.
		runtime.LockOSThread()
		for start := range group.starts {
			start()
		}
	}()
	return group
}

// Exits delivers every child's end.
func (g *Group) Exits() <-chan Exit { return g.exits }

// Start runs a program whose output is ours.
func (g *Group) Start(name, path string, args, env []string) error {
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	result := make(chan error)
	g.starts <- func() {
		g.mutex.Lock() // the reaper must not see a child before it is known
		defer g.mutex.Unlock()
		err := cmd.Start()
		if err == nil {
			child := &running{name: name, cmd: cmd, done: make(chan struct{})}
			g.children = append(g.children, child)
			go g.wait(child)
		}
		result <- err
	}
	if err := <-result; err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	return nil
}

func (g *Group) wait(child *running) {
	err := child.cmd.Wait()
	close(child.done)
	g.exits <- Exit{child.name, err}
}

// Stop ends the named children, all of them when none is named: SIGTERM, then SIGKILL after the grace period.
func (g *Group) Stop(grace time.Duration, names ...string) {
	var stopping []*running
	g.mutex.Lock()
	for _, child := range g.children {
		if len(names) > 0 && !contains(names, child.name) {
			continue
		}
		stopping = append(stopping, child)
		_ = child.cmd.Process.Signal(syscall.SIGTERM)
	}
	g.mutex.Unlock()
	deadline := time.After(grace)
	for _, child := range stopping {
		select {
		case <-child.done:
		case <-deadline:
			logs.Info("%s did not end within %s: killing it", child.name, grace)
			for _, late := range stopping {
				_ = late.cmd.Process.Kill()
			}
			<-child.done
		}
	}
}

func contains(names []string, name string) bool {
	for _, other := range names {
		if other == name {
			return true
		}
	}
	return false
}
