package boomer

import (
	"fmt"
	"log"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/asaskevich/EventBus"
)

// Events carries what happens in all Boomers of the program. Its subscribers are
// called one after the other, in the goroutine of the one who publishes, and must
// neither publish nor subscribe; those of SubscribeAsync may. A panic of a subscriber
// to one of the events below is logged.
//
// Besides the constants below, each custom message from the master is published as
// an event of the message's type, with a *CustomMessage.
var Events = EventBus.New()

const (
	// EVENT_CONNECTED is published when a master has taken the worker in. Subscribers
	// have no argument.
	EVENT_CONNECTED = "boomer:connected" //nolint:revive // boomer's name
	// EVENT_SPAWN is published before users start, and again for each change of their
	// number: (spawnCount int, spawnRate float64), the users that there shall be in
	// all and, without a master, how many start in a second. With one, which
	// sees to the rate itself, it is spawnCount once more.
	EVENT_SPAWN = "boomer:spawn" //nolint:revive // boomer's name
	// EVENT_STOP is published when a test stops, before its users do. Task functions
	// that do not return by themselves must return now. Subscribers have no argument.
	EVENT_STOP = "boomer:stop" //nolint:revive // boomer's name
	// EVENT_QUIT is published when a Boomer has ended and all its samples are
	// delivered. A program may publish it to end its Boomers. Subscribers have no
	// argument.
	EVENT_QUIT = "boomer:quit" //nolint:revive // boomer's name
)

// ownEvents are the events that a message from the master must not look like.
func ownEvent(topic string) bool {
	switch topic {
	case EVENT_CONNECTED, EVENT_SPAWN, EVENT_STOP, EVENT_QUIT, eventSuccess, eventFailure:
		return true
	}
	return false
}

// publish publishes an event and survives its subscribers.
func publish(topic string, args ...any) {
	defer func() {
		if r := recover(); r != nil {
			log.Printf("boomer: a subscriber of %q failed, those after it were not called: %v\n%s", topic, r, debug.Stack())
		}
	}()
	Events.Publish(topic, args...)
}

// running are the engines that have not ended.
var running engines

// engines are a set. Its methods are safe for concurrent use.
type engines struct {
	once     sync.Once // subscribes
	mu       sync.Mutex
	all      map[*engine]struct{}
	quitting bool // EVENT_QUIT is an engine's own
}

// add adds an engine, which ends when a program publishes EVENT_QUIT.
func (s *engines) add(e *engine) {
	s.once.Do(func() { subscribe(EVENT_QUIT, s.quit) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[*engine]struct{})
	}
	s.all[e] = struct{}{}
}

// quit obeys an EVENT_QUIT of the program.
func (s *engines) quit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quitting {
		return
	}
	for e := range s.all {
		e.told.Store(true)
		e.stop()
	}
}

// remove takes an engine that has ended out, and publishes that, unless it is what
// has ended it.
func (s *engines) remove(e *engine) {
	s.mu.Lock()
	delete(s.all, e)
	s.mu.Unlock()
	if e.told.Load() {
		return
	}
	s.setQuitting(true)
	publish(EVENT_QUIT)
	s.setQuitting(false)
}

func (s *engines) setQuitting(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quitting = on
}

func subscribe(topic string, f any) {
	if err := Events.Subscribe(topic, f); err != nil {
		log.Printf("boomer: cannot subscribe to %q: %v", topic, err)
	}
}

// calledBack reports whether the caller was called by a task or a subscriber, whose
// return an end has to wait for.
func calledBack() bool {
	pcs := make([]uintptr, 64)
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		frames := runtime.CallersFrames(pcs[:n])
		for {
			frame, more := frames.Next()
			if frame.Function == taskCaller || strings.HasSuffix(frame.Function, busCaller) {
				return true
			}
			if !more {
				break
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// The functions on the stack of a task and of a subscriber.
var taskCaller = runtime.FuncForPC(reflect.ValueOf(callTask).Pointer()).Name()

const busCaller = "EventBus.(*EventBus).Publish"

// callTask is on the stack of each task.
func callTask(fn func()) { fn() }

// Events of the first versions of boomer, which still work.
const (
	eventSuccess = "request_success" // (requestType, name string, responseTime any number, responseLength int64)
	eventFailure = "request_failure" // (requestType, name string, responseTime any number, exception string)
)

// subscribeLegacy has the default instance record what these events say.
func subscribeLegacy(b *Boomer) {
	var success, failure sync.Once
	warn := func(once *sync.Once, event, instead string) {
		once.Do(func() {
			b.logger().Printf("boomer: Events.Publish(%q) is slow, as one after the other is recorded; call %s", event, instead)
		})
	}
	subscribe(eventSuccess, func(requestType, name string, responseTime any, responseLength int64) {
		warn(&success, eventSuccess, "RecordSuccess")
		b.record(sample(requestType, name, milliseconds(responseTime), responseLength))
	})
	subscribe(eventFailure, func(requestType, name string, responseTime any, exception string) {
		warn(&failure, eventFailure, "RecordFailure")
		b.record(failedSample(requestType, name, milliseconds(responseTime), exception))
	})
}

// milliseconds takes any number as that many milliseconds. Something else is a panic,
// which the publisher gets, as with boomer.
func milliseconds(number any) time.Duration {
	v := reflect.ValueOf(number)
	switch {
	case v.CanInt():
		return inMilliseconds(v.Int())
	case v.CanUint():
		return inMilliseconds(int64(min(v.Uint(), 1<<62)))
	case v.CanFloat():
		return time.Duration(v.Float() * float64(time.Millisecond))
	}
	panic(fmt.Sprintf("boomer: a response time must be a number, not %T", number))
}
