package locustworker

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// Items N4 to N6 of the conformance list: the worker's log in the web UI.

// lines returns the lines of a logs message.
func lines(m mastertest.Message) []string {
	list, _ := m.Field("logs").([]any)
	texts := make([]string, len(list))
	for i, line := range list {
		texts[i], _ = line.(string)
	}
	return texts
}

// counted returns how many of the lines hold the text.
func counted(lines []string, text string) int {
	n := 0
	for _, line := range lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// chatter lets a worker log n lines before each pause and returns the logs
// messages of the time.
func chatter(t *testing.T, n int, pause time.Duration, times int) (sent [][]string) {
	t.Helper()
	perform(t, play{}, func(s *stage) {
		s.id()
		time.Sleep(500 * time.Millisecond)
		for range times {
			for i := range n {
				s.worker.hooks.env.Logger().Warn(fmt.Sprintf("line %d\nand more", i))
			}
			time.Sleep(pause)
		}
		synctest.Wait()
		for _, m := range s.master.OfType("logs") {
			sent = append(sent, lines(m))
		}
	})
	return sent
}

// Conformance: N4, N6
func TestConformanceLogsAreTheWholeBook(t *testing.T) {
	sent := chatter(t, 3, 10*time.Second, 4)
	if len(sent) != 5 {
		t.Fatalf("%d logs messages; want one at the ack and every 10s", len(sent))
	}
	for i, lines := range sent[1:] {
		if got := counted(lines, "WARNING/locustworker: line 0\n"); got != i+1 {
			t.Errorf("message %d has %d of the first lines; want all so far, %d", i+1, got, i+1)
		}
		if got := counted(lines, "\n    and more"); got != 3*(i+1) {
			t.Errorf("message %d has %d records of two lines", i+1, got)
		}
	}
}

// Conformance: N5
func TestConformanceTooManyLogLines(t *testing.T) {
	const warning = "The worker attempted to send more than 70 log lines in one interval."
	sent := chatter(t, 80, 10*time.Second, 4)
	if len(sent) != 2 {
		t.Fatalf("%d logs messages; want that of the ack and the last one", len(sent))
	}
	if last := sent[1]; counted(last, "line ") != 80 || counted(last, warning) != 1 {
		t.Errorf("the last message has %d lines and %d warnings; want 80 and 1", counted(last, "line "), counted(last, warning))
	}
}

// Conformance: N5
func TestConformanceAFullBookIsSentOn(t *testing.T) {
	sent := chatter(t, 40, 10*time.Second, 30)
	if len(sent) != 31 {
		t.Fatalf("%d logs messages; a full book must not end them", len(sent))
	}
	if last := sent[30]; len(last) != 500 {
		t.Errorf("the last message has %d lines; want 500", len(last))
	}
}

// Conformance: N4
func TestConformanceNoNewsNoLogs(t *testing.T) {
	perform(t, play{cfg: Config{Logger: slog.New(slog.NewTextHandler(&logText{}, nil))}}, func(s *stage) {
		s.id()
		time.Sleep(500 * time.Millisecond)
		if n := len(s.master.OfType("logs")); n != 1 {
			t.Errorf("%d logs messages after the ack", n)
		}
		time.Sleep(10 * time.Second) // the registration's own line
		s.nothingMore("logs")
	})
}

// Conformance: N4, C10
func TestConformanceHiddenLogs(t *testing.T) {
	perform(t, play{cfg: Config{HideLogs: true}}, func(s *stage) {
		s.id()
		s.spawned(one(1))
		s.nothingMore("logs")
		if n := len(s.master.OfType("logs")); n != 0 {
			t.Errorf("%d logs messages", n)
		}
	})
}
