package locustworker

import (
	"log/slog"
	"time"
)

const (
	// lateLimit is how late iterations may start before the log says so.
	lateLimit = 100 * time.Millisecond
	// tardyLimit is how late the machine may be before it may be why visitors are busy.
	// A goroutine waits for so long when about one other runs on each processor.
	tardyLimit = 10 * time.Millisecond
	// lateInterval is how often it does.
	lateInterval = 10 * time.Second
	// neverLogged stands for a time at which everything is logged.
	neverLogged time.Duration = -1
)

// A lateWatch counts iterations that started late or not at all since the last
// warning, by cause.
type lateWatch struct {
	machine, onStart, full int64
	all, tardy             int64 // starts that only this machine can delay, and those of them after tardyLimit
	worst                  time.Duration
	logged                 time.Duration // 0: never
}

// pacer notes how late an arrival is given to a visitor.
func (l *lateWatch) pacer(late time.Duration) { l.own(late) }

// own notes how late something is that waits for nothing but this machine.
func (l *lateWatch) own(late time.Duration) {
	l.all++
	if late > tardyLimit {
		l.tardy++
	}
	l.note(late, &l.machine)
}

// machineIsBusy reports whether this machine is so short of processors that visitors
// may be busy for that reason: a twentieth of what it does by itself is late.
func (l *lateWatch) machineIsBusy() bool { return l.tardy*20 > l.all }

// start notes how late an iteration starts, which a visitor without an iteration
// before may owe to its OnStart.
func (l *lateWatch) start(late time.Duration, first bool) {
	if first {
		l.note(late, &l.onStart)
		return
	}
	l.own(late)
}

func (l *lateWatch) note(late time.Duration, cause *int64) {
	if late <= lateLimit {
		return
	}
	*cause++
	l.worst = max(l.worst, late)
}

// warn logs what was counted, and begins anew, unless it did so a short time ago.
func (l *lateWatch) warn(log *slog.Logger, o *openClass, now time.Duration) {
	if l.machine+l.onStart+l.full == 0 || now != neverLogged && l.logged > 0 && now-l.logged < lateInterval {
		return
	}
	switch {
	case l.full > 0 && l.machineIsBusy():
		log.Warn("arrivals are dropped, because all visitors are busy, and this machine is too busy to run them in time: use more workers, or a lower rate",
			"class", o.class.name, "dropped", l.full, "max_in_flight", o.how.MaxInFlight)
	case l.full > 0:
		log.Warn("arrivals are dropped, because all visitors are busy: the system under test answers too slowly for this rate, or MaxInFlight is too low for it",
			"class", o.class.name, "dropped", l.full, "max_in_flight", o.how.MaxInFlight)
	}
	if l.machine > 0 {
		log.Warn("iterations start late, because this machine is too busy: use more workers, or a lower rate",
			"class", o.class.name, "late", l.machine, "limit", lateLimit, "latest", l.worst)
	}
	if l.onStart > 0 && l.machine == 0 {
		log.Warn("first iterations of visitors start late, because their OnStart takes long",
			"class", o.class.name, "late", l.onStart, "limit", lateLimit, "latest", l.worst)
	}
	*l = lateWatch{logged: max(now, 1)}
}
