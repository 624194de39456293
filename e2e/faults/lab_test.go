package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/faultproxy"
	"github.com/bandwing/bandwing/internal/proctest"
)

const (
	// patience bounds a failure, not a success.
	patience     = 90 * time.Second
	stopPatience = 30 * time.Second
	// fleetUsers are the users of a run unless a case says otherwise.
	fleetUsers = 12
)

// A lab is one system of a case: a stock master, workers that reach it through a proxy each, and a target behind a
// proxy. Everything in it ends with the test, and the logs are shown when the test has failed.
type lab struct {
	t       *testing.T
	rng     *rand.Rand
	class   string
	target  *target
	door    *faultproxy.Proxy // before the target
	master  *master
	workers []*worker

	users int // asked for
	began int // what the target had served when the last run began
}

// A worker is a Go worker with its link to the master.
type worker struct {
	*proctest.Process
	name    string
	journal string
	link    *faultproxy.Proxy
	killed  time.Time // when it was killed by SIGKILL; zero: it was not
	// When its proxy began to acknowledge what it did not pass on, and when it ended that; zero: it did not.
	doubtFrom, doubtTo time.Time
}

func newLab(t *testing.T, class string, stream uint64) *lab {
	t.Helper()
	l := &lab{t: t, rng: rand.New(rand.NewPCG(*seed, stream)), class: class}
	l.target = newTarget(t)
	l.door = l.proxy(l.target.addr())
	l.master = newMaster(t, class)
	return l
}

func (l *lab) proxy(target string) *faultproxy.Proxy {
	l.t.Helper()
	p, err := faultproxy.New(target)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(p.Close)
	return p
}

// between returns a random time.
func (l *lab) between(low, high time.Duration) time.Duration {
	return low + time.Duration(l.rng.Int64N(int64(high-low)+1))
}

// moment waits for a random time: when a fault strikes is what the seed decides.
func (l *lab) moment(high time.Duration) { time.Sleep(l.between(0, high)) }

// lasts is how long a fault lasts, which is what a case is about.
func (l *lab) lasts(d time.Duration) { time.Sleep(d) }

// join starts a worker.
func (l *lab) join(args ...string) *worker { return l.joinWith(nil, nil, args...) }

// joinWith starts a worker with more environment and a command before its own.
func (l *lab) joinWith(before, env []string, args ...string) *worker {
	l.t.Helper()
	name := fmt.Sprintf("w%d", len(l.workers))
	w := &worker{name: name, journal: filepath.Join(l.t.TempDir(), name+".failed"), link: l.proxy(l.master.addr())}
	line := append(append(before, built.worker, "--worker", "--master-host", "127.0.0.1", "--master-port", w.link.Port()), args...)
	env = append([]string{"FAULTS_WORKER=" + name, "FAULTS_JOURNAL=" + w.journal}, env...)
	w.Process = start(l.t, name, env, line[0], append(line[1:], l.class)...)
	l.workers = append(l.workers, w)
	return w
}

// fleet starts a master and n workers, and waits until they are ready.
func (l *lab) fleet(n int) {
	l.t.Helper()
	l.master.run()
	for range n {
		l.join()
	}
	l.master.awaitWorkers(n)
}

// swarm begins a run, or changes the users of one, without waiting for them.
func (l *lab) swarm(users int) {
	l.t.Helper()
	if l.users == 0 {
		l.began = l.target.served()
	}
	l.users = users
	l.master.swarm(users, "http://"+l.door.Addr())
}

// runs begins a run and waits until all users are there and the target is served.
func (l *lab) runs(users int) {
	l.t.Helper()
	l.swarm(users)
	l.awaitUsers()
	l.awaitServed(users * 5)
}

// awaitUsers holds the second equation: the master and, for users of their own, the target see as many as were asked for.
func (l *lab) awaitUsers() {
	l.t.Helper()
	eventually(l.t, patience, fmt.Sprintf("%d users that run", l.users), func() error {
		r, err := l.master.stats()
		if err == nil && (r.State != "running" || r.UserCount != l.users) {
			err = fmt.Errorf("state %q, %d users", r.State, r.UserCount)
		}
		if seen := l.target.users(); err == nil && l.class == "Hit" && seen != l.users {
			err = fmt.Errorf("the target sees %d users", seen)
		}
		return err
	})
}

// awaitServed waits until the target has served n more requests.
func (l *lab) awaitServed(n int) {
	l.t.Helper()
	want := l.target.served() + n
	eventually(l.t, patience, "requests", func() error {
		if now := l.target.served(); now < want {
			return fmt.Errorf("%d of %d served", now, want)
		}
		return nil
	})
}

// lost forgets the run of a master that is gone.
func (l *lab) lost() { l.users = 0 }

// start runs a program until the test ends.
func start(t *testing.T, name string, env []string, program string, args ...string) *proctest.Process {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), env...)
	p, err := proctest.Start(cmd, filepath.Join(cmd.Dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !p.Stop(stopPatience) {
			t.Errorf("%s did not end on SIGTERM within %v", name, stopPatience)
		}
		for _, bad := range []string{"DATA RACE", "panic:", "fatal error:"} {
			if strings.Contains(p.Log(), bad) {
				t.Errorf("%s: %s", name, bad)
			}
		}
		if t.Failed() {
			t.Log(p.LogTail())
		}
	})
	return p
}

// kill ends a process at once.
func kill(p *proctest.Process) {
	p.Signal(syscall.SIGKILL)
	<-p.Done()
}

// kill ends a worker at once, and keeps when.
func (w *worker) kill() {
	w.killed = time.Now()
	kill(w.Process)
}

// doubt notes that the proxy acknowledges from now on what it does not pass on, until the worker is back.
func (w *worker) doubt(t *testing.T, breaks func()) {
	t.Helper()
	w.doubtFrom = time.Now()
	breaks()
	w.awaitLog(t, sameMaster, 1)
	w.doubtTo = time.Now()
}

// awaitLog waits until the worker has logged a text n times.
func (w *worker) awaitLog(t *testing.T, text string, n int) {
	t.Helper()
	eventually(t, patience, fmt.Sprintf("%s to log %q %d times", w.name, text, n), func() error {
		if got := strings.Count(w.Log(), text); got < n {
			return fmt.Errorf("%d times", got)
		}
		return nil
	})
}

// eventually calls check until it returns nil and fails the test with its last error when that takes too long.
func eventually(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	if err := within(limit, check); err != nil {
		t.Fatalf("waited %v for %s: %v", limit, what, err)
	}
}

// within calls check until it returns nil, and returns its last error when that takes too long.
func within(limit time.Duration, check func() error) error {
	for deadline := time.Now().Add(limit); ; {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// awaitHTTP waits until a URL answers 200.
func awaitHTTP(t *testing.T, p *proctest.Process, url string) {
	t.Helper()
	eventually(t, patience, "an answer of "+url, func() error {
		if p.Exited() {
			t.Fatalf("a process has ended:\n%s", p.LogTail())
		}
		res, err := http.Get(url)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", res.Status)
		}
		return nil
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	ports, err := proctest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(ports[0])
}
