package faults

import (
	"net/http"
	"time"
)

// targetCases break the target or the way to it. Requests fail; every failure is in the table, and whether its request
// had reached the target is what the target says.
func targetCases() []faultCase {
	want := expectation{failures: true, again: true}
	return []faultCase{
		{name: "target is gone for 3 s", quick: true, want: want, breaks: func(l *lab) {
			l.inRun(2)
			l.door.Cut()
			l.lasts(3 * time.Second)
			l.door.Restore()
			l.backInRun()
		}},
		{name: "target's connections are reset", want: want, breaks: func(l *lab) {
			l.inRun(2)
			for range 20 {
				l.door.Reset()
				l.moment(200 * time.Millisecond)
			}
			l.backInRun()
		}},
		{name: "target hangs", want: want, breaks: answers(hang)},
		{name: "target answers garbage", want: want, breaks: answers(garbage)},
		{name: "target's bodies are truncated", want: want, breaks: answers(truncated)},
		{name: "target's bodies are endless", want: want, breaks: answers(endless)},
		{name: "target's heads are slow", want: want, breaks: answers(slowHead)},
	}
}

// answers has the target answer badly for a while.
func answers(badly http.HandlerFunc) func(*lab) {
	return func(l *lab) {
		l.inRun(2)
		l.target.behave(badly)
		l.awaitServed(fleetUsers * 2)
		l.moment(3 * time.Second)
		l.target.behave(nil)
		l.backInRun()
	}
}

// hang answers nothing until the client goes.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func garbage(w http.ResponseWriter, _ *http.Request) { raw(w, "\x00\xffGARBAGE \r\n\r\n", nil) }

func truncated(w http.ResponseWriter, _ *http.Request) {
	raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nnot a thousand", nil)
}

func endless(w http.ResponseWriter, r *http.Request) {
	block := make([]byte, 64<<10)
	for r.Context().Err() == nil {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

func slowHead(w http.ResponseWriter, r *http.Request) {
	raw(w, "HTTP/1.1 200 OK\r\nX: 1\r\nX: 2\r\nX: 3\r\nX: 4\r\nX: 5\r\nContent-Length: 0\r\n\r\n", func() bool {
		select {
		case <-time.After(200 * time.Millisecond):
			return true
		case <-r.Context().Done():
			return false
		}
	})
}

// raw writes an answer as it is and closes the connection; before each byte it asks next, unless that is nil.
func raw(w http.ResponseWriter, text string, next func() bool) {
	conn, out, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	for i := range len(text) {
		if next != nil && (!next() || out.Flush() != nil) {
			return
		}
		_ = out.WriteByte(text[i])
	}
	_ = out.Flush()
}
