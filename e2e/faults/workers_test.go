package faults

import (
	"runtime"
	"sync"
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
		{name: "worker out of descriptors", want: expectation{failures: true}, breaks: func(l *lab) {
			l.master.run()
			l.joinWith([]string{"prlimit", "--nofile=24:24"}, nil)
			l.master.awaitWorkers(1)
			l.swarm(60) // more users than descriptors
			l.awaitServed(200)
			l.moment(3 * time.Second)
		}},
		{name: "worker above its GOMEMLIMIT", breaks: func(l *lab) {
			l.master.run()
			l.joinWith(nil, []string{"GOMEMLIMIT=8MiB"})
			l.master.awaitWorkers(1)
			l.runs(100)
			l.moment(3 * time.Second)
		}},
		{name: "worker starved of CPU", breaks: func(l *lab) {
			l.master.run()
			l.joinWith([]string{"nice", "-n", "19"}, []string{"GOMAXPROCS=1"})
			l.join()
			l.master.awaitWorkers(2)
			stop := spin()
			defer stop()
			l.runs(fleetUsers)
			l.lasts(10 * time.Second)
			l.backInRun()
		}},
	}
}

// spin keeps all processors busy until stop, which waits for that.
func spin() (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) * 2 {
		wg.Go(func() {
			for !isClosed(done) {
				runtime.Gosched()
			}
		})
	}
	return func() {
		close(done)
		wg.Wait()
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
