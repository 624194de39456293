package boomer

import (
	"bytes"
	"log"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A logText is a log that a test reads. It is safe for concurrent use.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logText) logger() *log.Logger { return log.New(l, "", 0) }

// workerOf returns a Boomer of a scripted master, which ends with the test, and its
// log.
func workerOf(t *testing.T, master *mastertest.Master) (*Boomer, *logText) {
	t.Helper()
	host, port, err := net.SplitHostPort(master.Addr())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	text := &logText{}
	b := NewBoomer(host, number).WithLogger(text.logger())
	t.Cleanup(func() {
		b.Quit()
		if t.Failed() {
			t.Logf("the log:\n%s", text)
		}
	})
	return b, text
}

// subscribed has the events of a topic in a channel until the test ends.
func subscribed(t *testing.T, topic string, subscriber func(note func(string)) any) <-chan string {
	t.Helper()
	events := newNotes()
	handler := subscriber(events.note)
	if err := Events.Subscribe(topic, handler); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = Events.Unsubscribe(topic, handler) })
	return events.c
}

type notes struct{ c chan string }

func newNotes() notes { return notes{make(chan string, 1000)} }

func (n notes) note(text string) { n.c <- text }

// plainEvent makes a subscriber of an event without arguments.
func plainEvent(note func(string)) any { return func() { note("") } }

// await returns the next note.
func await(t *testing.T, what string, c <-chan string) string {
	t.Helper()
	select {
	case text := <-c:
		return text
	case <-time.After(20 * time.Second):
		t.Fatalf("waited in vain for %s", what)
		return ""
	}
}
