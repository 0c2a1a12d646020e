package child

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAnEndIsReportedWithItsReason(t *testing.T) {
	group := NewGroup()
	if err := group.Start("bad", "/bin/sh", []string{"-c", "exit 3"}, nil); err != nil {
		t.Fatal(err)
	}
	if exit := <-group.Exits(); exit.Name != "bad" || exit.Err.Error() != "exit status 3" {
		t.Errorf("%+v", exit)
	}
	if err := group.Start("missing", "/no/such/program", nil, nil); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("%v", err)
	}
}

func TestStopAsksThenKills(t *testing.T) {
	for name, script := range map[string]string{"polite": "exec sleep 60", "deaf": "trap '' TERM; while :; do sleep 0.05; done"} {
		group := NewGroup()
		if err := group.Start(name, "/bin/sh", []string{"-c", script}, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // let the trap be set
		begin := time.Now()
		group.Stop(100*time.Millisecond, name)
		if took := time.Since(begin); took > time.Second || name == "deaf" && took < 100*time.Millisecond {
			t.Errorf("%s took %s", name, took)
		}
		<-group.Exits()
	}
}

func TestOrphansAreReapedAndOwnChildrenAreNot(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Skip(err)
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) }()
	out, err := exec.Command("/bin/sh", "-c", "sh -c 'exit 0' & echo $!").Output()
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimSpace(string(out))
	group := NewGroup()
	deadline := time.Now().Add(2 * time.Second)
	for {
		group.reapOne()
		if _, err := os.Stat("/proc/" + pid); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the orphan is still there")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := group.Start("own", "/bin/sh", []string{"-c", "exit 7"}, nil); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		group.reapOne()
		time.Sleep(5 * time.Millisecond)
	}
	if exit := <-group.Exits(); exit.Err == nil || exit.Err.Error() != "exit status 7" {
		t.Errorf("the child's end was taken away: %+v", exit)
	}
}
