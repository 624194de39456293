package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A usage is what a process holds.
type usage struct {
	files, threads int
	kB             int // resident
}

var statusLine = regexp.MustCompile(`(?m)^(VmRSS|Threads):\s+(\d+)`)

func usageOf(t *testing.T, pid int) usage {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d", pid)
	files, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		t.Fatal(err)
	}
	u := usage{files: len(files)}
	for _, m := range statusLine.FindAllStringSubmatch(string(status), -1) {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		if m[1] == "Threads" {
			u.threads = n
		} else {
			u.kB = n
		}
	}
	return u
}

// TestSoak changes the load and injects faults for as long as -faults.soak says, in one run, and holds the equations and
// what the first worker holds: files, threads and memory with the same users must not grow.
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("make soak T=10m runs it")
	}
	l := newLab(t, "Hit", 0)
	l.inRun(2)
	var usages []usage
	for end := time.Now().Add(*soak); time.Now().Before(end); {
		l.swarm(4 + l.rng.IntN(40))
		l.awaitUsers()
		l.soakFault()
		l.swarm(fleetUsers) // the same for every measurement
		l.backInRun()
		u := usageOf(t, l.workers[0].Pid())
		usages = append(usages, u)
		t.Logf("%d requests served, %+v", l.target.served(), u)
	}
	l.settle(expectation{failures: true, again: true})
	first, last := least(usages[:(len(usages)+2)/3]), least(usages[len(usages)*2/3:])
	if last.files > first.files+5 || last.threads > first.threads+10 || last.kB > first.kB*3/2+20_000 {
		t.Errorf("the first worker holds %+v at least in the first third, %+v in the last", first, last)
	}
	fmt.Printf("soak: %d rounds; the first worker held %+v at least in the first third, %+v in the last\n", len(usages), first, last)
}

// least returns the least of each.
func least(all []usage) usage {
	m := all[0]
	for _, u := range all {
		m = usage{min(m.files, u.files), min(m.threads, u.threads), min(m.kB, u.kB)}
	}
	return m
}

// soakFault breaks one thing for a while and mends it.
func (l *lab) soakFault() {
	l.t.Helper()
	w := l.workers[0]
	if l.rng.IntN(2) == 0 {
		w = l.workers[len(l.workers)-1]
	}
	length := l.between(time.Second, 6*time.Second)
	faults := []struct {
		name          string
		breaks, mends func()
	}{
		{"cut", w.link.Cut, w.link.Restore},
		{"black hole", w.link.Blackhole, w.link.Restore},
		{"delay", func() { w.link.Delay(500 * time.Millisecond) }, w.link.Restore},
		{"throttle", func() { w.link.Throttle(2000) }, w.link.Restore},
		{"reset of a stranded link", func() { _ = w.link.Strand() }, w.link.Reset},
		{"target cut", l.door.Cut, l.door.Restore},
		{"target reset", l.door.Reset, func() {}},
		{"target hangs", func() { l.target.behave(hang) }, func() { l.target.behave(nil) }},
		{"target truncates", func() { l.target.behave(truncated) }, func() { l.target.behave(nil) }},
		{"worker stopped", func() { w.Signal(syscall.SIGSTOP) }, func() { w.Signal(syscall.SIGCONT) }},
		{"master stopped", func() { l.master.Signal(syscall.SIGSTOP) }, func() { l.master.Signal(syscall.SIGCONT) }},
	}
	f := faults[l.rng.IntN(len(faults))]
	l.t.Logf("%s of %s for %v", f.name, w.name, length.Round(time.Millisecond))
	back := strings.Count(w.Log(), sameMaster)
	f.breaks()
	l.lasts(length)
	f.mends()
	if f.name == "cut" || f.name == "reset of a stranded link" { // what a master sends before the worker is back is lost
		w.awaitLog(l.t, sameMaster, back+1)
	}
}
