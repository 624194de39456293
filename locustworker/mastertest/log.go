package mastertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

const (
	// waitLimit is how long Expect waits for each message.
	waitLimit = 10 * time.Second
	// shownMessages is how many messages a failure shows.
	shownMessages = 40
	shownData     = 160
)

// Log is what workers have sent, and a place in it: WaitFor and Expect go forward
// from where the one before has stopped. Messages are kept when a Master is closed
// and reopened.
type Log struct {
	master *Master
	worker string
	next   int // guarded by the master's mu
}

// From returns a log of that worker's messages, or of all workers' with Everyone,
// placed at its beginning.
func (m *Master) From(worker string) *Log { return &Log{master: m, worker: worker} }

func (l *Log) match(message Message) bool { return l.worker == Everyone || l.worker == message.Worker }

// All returns every message so far, wherever the log's place is.
func (l *Log) All() []Message {
	l.master.mu.Lock()
	defer l.master.mu.Unlock()
	return l.since(0)
}

// since returns the messages from that place on. The caller holds mu.
func (l *Log) since(place int) []Message {
	var found []Message
	for _, message := range l.master.messages[place:] {
		if l.match(message) {
			found = append(found, message)
		}
	}
	return found
}

// OfType returns every message of that type so far.
func (l *Log) OfType(typ string) []Message {
	return slices.DeleteFunc(l.All(), func(message Message) bool { return message.Type != typ })
}

// Skip moves the log's place behind all messages so far.
func (l *Log) Skip() {
	l.master.mu.Lock()
	defer l.master.mu.Unlock()
	l.next = len(l.master.messages)
}

// WaitFor returns the next message of that type, which may have arrived already,
// and skips those before it. It fails the test when there is none in time.
func (l *Log) WaitFor(typ string, timeout time.Duration) Message {
	l.master.tb.Helper()
	return l.wait(fmt.Sprintf("%q", typ), timeout, func(message Message) bool { return message.Type == typ })
}

// WaitUntil returns the next message that is accepted, which may have arrived
// already, and skips those before it. It fails the test, with what was waited for,
// when there is none in time.
func (l *Log) WaitUntil(what string, timeout time.Duration, accept func(Message) bool) Message {
	l.master.tb.Helper()
	return l.wait(what, timeout, accept)
}

// Expect returns the next messages, which must be of these types in this order. It
// waits up to 10 s for each. Heartbeats, stats and logs, which come by the
// clock, are skipped wherever they are not what is expected next.
func (l *Log) Expect(types ...string) []Message {
	l.master.tb.Helper()
	var got []Message
	for _, typ := range types {
		message := l.wait(fmt.Sprintf("%q", typ), waitLimit, func(message Message) bool {
			return message.Type == typ || !periodic(message.Type)
		})
		if message.Type != typ {
			l.master.tb.Fatalf("mastertest: %s instead of %q; the messages so far:\n%s", message, typ, l)
		}
		got = append(got, message)
	}
	return got
}

func periodic(typ string) bool {
	return typ == wire.TypeHeartbeat || typ == wire.TypeStats || typ == wire.TypeLogs
}

func (l *Log) wait(what string, timeout time.Duration, accept func(Message) bool) Message {
	l.master.tb.Helper()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		message, ok, changed := l.advance(accept)
		if ok {
			return message
		}
		select {
		case <-changed:
		case <-timer.C:
			l.master.tb.Fatalf("mastertest: no %s%s within %v; the messages so far:\n%s", what, l.sender(), timeout, l)
		}
	}
}

// advance goes to the next message that is accepted; if there is none, to the end.
func (l *Log) advance(accept func(Message) bool) (Message, bool, <-chan struct{}) {
	m := l.master
	m.mu.Lock()
	defer m.mu.Unlock()
	for l.next < len(m.messages) {
		message := m.messages[l.next]
		l.next++
		if l.match(message) && accept(message) {
			return message, true, nil
		}
	}
	return Message{}, false, m.changed
}

func (l *Log) sender() string {
	if l.worker == Everyone {
		return ""
	}
	return fmt.Sprintf(" from worker %q", l.worker)
}

// String lists the last messages, one a line, with their time since the first.
func (l *Log) String() string {
	messages := l.All()
	if len(messages) == 0 {
		return "  (none)"
	}
	start := messages[0].At
	var b strings.Builder
	if hidden := len(messages) - shownMessages; hidden > 0 {
		fmt.Fprintf(&b, "  (%d before)\n", hidden)
		messages = messages[hidden:]
	}
	for _, message := range messages {
		fmt.Fprintf(&b, "  +%.3fs %s\n", message.At.Sub(start).Seconds(), message)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// String shows the type, the worker and the beginning of the data.
func (message Message) String() string {
	data := fmt.Sprintf("%v", message.Data)
	if len(data) > shownData {
		data = strings.ToValidUTF8(data[:shownData], "") + "…"
	}
	return fmt.Sprintf("%s from %s: %s", message.Type, message.Worker, data)
}
