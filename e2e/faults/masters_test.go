package faults

import (
	"syscall"
	"time"
)

// masterCases kill, pause and occupy the master.
func masterCases() []faultCase {
	discards := expectation{discards: true}
	return []faultCase{
		{name: "master killed and restarted in a run", want: discards, breaks: func(l *lab) {
			l.inRun(2)
			l.newMaster()
			l.runs(fleetUsers)
		}},
		{name: "master killed and restarted while spawning", want: discards, breaks: func(l *lab) {
			l.fleet(2)
			l.swarm(fleetUsers)
			l.moment(time.Second)
			l.newMaster()
			l.runs(fleetUsers)
		}},
		{name: "master killed and restarted while stopping", want: discards, breaks: func(l *lab) {
			l.inRun(2)
			l.target.slow(700 * time.Millisecond)
			l.awaitServed(fleetUsers)
			l.master.stop()
			l.moment(800 * time.Millisecond)
			l.newMaster()
			l.target.slow(0)
			l.runs(fleetUsers)
		}},
		{name: "master restarted between runs", quick: true, want: discards, breaks: func(l *lab) {
			l.inRun(2)
			l.master.stop()
			l.master.awaitState("stopped")
			l.newMaster()
			l.runs(fleetUsers)
		}},
		{name: "master paused for 2 s", breaks: pausedFor(2 * time.Second)},
		{name: "master paused for 10 s", breaks: pausedFor(10 * time.Second)},
		{name: "master paused for 70 s", breaks: func(l *lab) {
			l.inRun(2)
			l.master.Signal(syscall.SIGSTOP)
			for _, w := range l.workers { // after 60 s, as a stock worker does
				w.awaitLog(l.t, "no master was seen for too long; stopping the users", 1)
			}
			l.lasts(5 * time.Second)
			l.master.Signal(syscall.SIGCONT)
			l.master.awaitWorkers(2)
			for _, w := range l.workers {
				w.awaitLog(l.t, sameMaster, 1)
			}
		}},
		{name: "master busy for 8 s", breaks: func(l *lab) {
			l.inRun(2)
			l.master.busy(8)
			l.lasts(8 * time.Second)
			l.backInRun()
		}},
	}
}

// newMaster kills the master, starts another at its ports and waits until all workers are with it.
func (l *lab) newMaster() {
	l.t.Helper()
	kill(l.master.Process)
	l.lost()
	l.moment(2 * time.Second)
	l.master.run()
	l.master.awaitWorkers(len(l.workers))
}

func pausedFor(d time.Duration) func(*lab) {
	return func(l *lab) {
		l.inRun(2)
		l.master.Signal(syscall.SIGSTOP)
		l.lasts(d)
		l.master.Signal(syscall.SIGCONT)
		l.master.awaitWorkers(2)
		l.backInRun()
	}
}
