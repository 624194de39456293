package faults

import (
	"syscall"
	"time"
)

// workerCases kill, stop and starve workers.
func workerCases() []faultCase {
	return []faultCase{
		{name: "worker ended by SIGTERM", quick: true, breaks: func(l *lab) {
			w := l.inRun(2)
			w.Signal(syscall.SIGTERM)
			<-w.Done()
			l.master.awaitWorkers(1)
			l.backInRun()
		}},
		{name: "worker killed", breaks: func(l *lab) {
			l.inRun(2).kill()
			l.lasts(reportInterval)
		}},
		{name: "worker stopped for 75 s", breaks: func(l *lab) {
			w := l.inRun(2)
			w.Signal(syscall.SIGSTOP)
			l.lasts(75 * time.Second)
			w.Signal(syscall.SIGCONT)
			l.master.awaitWorkers(2)
			l.backInRun()
		}},
	}
}
