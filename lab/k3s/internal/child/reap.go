package child

import (
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// Reap collects orphans when this process is PID 1, as an init must: what was exec'ed into the container and lost
// its parent. Own children are left to their waiters.
func (g *Group) Reap() {
	if os.Getpid() != 1 {
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGCHLD)
	go func() {
		for range signals {
			for g.reapOne() {
			}
		}
	}()
}

// reapOne looks for an ended process without collecting it, and collects it when it is a stranger.
func (g *Group) reapOne() bool {
	var info unix.Siginfo
	if unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) != nil {
		return false
	}
	pid := siginfoPID(&info)
	if pid == 0 {
		return false
	}
	if g.owns(pid) {
		time.Sleep(10 * time.Millisecond) // its waiter is about to collect it; then look for others
		return true
	}
	_, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
	return err == nil
}

func (g *Group) owns(pid int) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for _, child := range g.children {
		if child.cmd.Process.Pid == pid {
			return true
		}
	}
	return false
}
