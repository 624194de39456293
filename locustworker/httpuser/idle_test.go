package httpuser

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
)

// A user who waits between two tasks keeps nothing of the last answer, because
// 100,000 of them do so at a time.
func TestIdleUsersKeepNoResponse(t *testing.T) {
	const users, size = 500, 13 << 10
	perUser := heapPerIdleUser(t, users, size)
	t.Logf("%d bytes a user", perUser)
	if perUser > size/2 {
		t.Errorf("a user who waits keeps %d bytes after an answer of %d", perUser, size)
	}
}

// heapPerIdleUser has users ask for size bytes and measures what is left of it
// when the garbage has been collected.
func heapPerIdleUser(t testing.TB, users, size int) int64 {
	sessions := idleSessions(t, users, size)
	before := liveHeap()
	for _, s := range sessions {
		if r, err := s.Get(s.user.Context(), "/doc/1", Name("/doc")); err != nil || len(r.Body) != size {
			t.Fatal(r, err)
		}
	}
	after := liveHeap()
	runtime.KeepAlive(sessions)
	return (after - before) / int64(users)
}

// idleSessions makes sessions whose server answers with size bytes.
func idleSessions(t testing.TB, users, size int) []*Session {
	answer := append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size), make([]byte, size)...)
	dial := func(context.Context, string, string) (net.Conn, error) { return &repeatingConn{answer: answer}, nil }
	sessions := make([]*Session, users)
	for i := range sessions {
		u := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Host: "http://h"})
		s, err := New(u, Config{Dial: dial})
		if err != nil {
			t.Fatal(err)
		}
		sessions[i] = s
	}
	return sessions
}

// BenchmarkGetOfManyUsers shows what it costs that users keep no response: their
// turns are far apart.
func BenchmarkGetOfManyUsers(b *testing.B) {
	const users = 10_000
	for _, size := range []int{100, 13 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			sessions := idleSessions(b, users, size)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s := sessions[i%users]
				if _, err := s.Get(s.user.Context(), "/doc/1", Name("/doc")); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(liveHeap())/users, "live-B/user")
			runtime.KeepAlive(sessions)
		})
	}
}

func liveHeap() int64 {
	var m runtime.MemStats
	for range 3 { // the pools let go in two steps
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A repeatingConn answers every write in the same way.
type repeatingConn struct {
	scriptedConn
	answer []byte
}

func (c *repeatingConn) Write(p []byte) (int, error) {
	c.scriptedConn.answer = c.answer
	return len(p), nil
}

// What a task still holds stays whole while it is collected around it, also when
// it is no more than the body.
func TestAnAnswerOutlivesACollection(t *testing.T) {
	for _, size := range []int{5, 13 << 10} {
		want := strings.Repeat("x", size)
		s := newSession(t, serveOnce(t, func(c net.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Own: header\r\n\r\n%s", size, want)
		}))
		for range 3 {
			r, err := s.Get(s.user.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			liveHeap()
			if string(r.Body) != want || r.Header("X-Own") != "header" || !r.OK() {
				t.Errorf("after a collection: %d bytes, %q, %v", len(r.Body), r.Header("X-Own"), r.Err)
			}
			body := r.Body
			liveHeap()
			if string(body) != want {
				t.Errorf("the body alone: %d bytes", len(body))
			}
		}
	}
}
