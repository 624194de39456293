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

// A user who waits between two tasks keeps nothing of a large answer, because
// 100,000 of them do so at a time; not of one before the last, either, nor of one
// that came compressed.
func TestIdleUsersKeepNoLargeResponse(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		t.Run(fmt.Sprintf("reused %v", reuse), func(t *testing.T) { keepNoLargeResponse(t, reuse) })
	}
}

func keepNoLargeResponse(t *testing.T, reuse bool) {
	const users, size = 500, 13 << 10
	large, packed := plainAnswer(size), Encodings(t, make([]byte, size))["gzip"]
	zipped := append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", len(packed)), packed...)
	for name, answers := range map[string][][]byte{
		"large":           {large},
		"large and small": {large, plainAnswer(2)},
		"large, no body":  {large, []byte("HTTP/1.1 204 No Content\r\n\r\n")},
		"compressed":      {zipped},
		"and small":       {zipped, plainAnswer(2)},
	} {
		sessions := idleSessions(t, users, reuse)
		before := liveHeap()
		for _, s := range sessions {
			for _, answer := range answers {
				s.conn.answer = answer
				if r, err := s.Get(s.user.Context(), "/doc/1", Name("/doc")); err != nil || !r.OK() {
					t.Fatal(r, err)
				}
			}
			s.user.Client().EndTask()
		}
		perUser := (liveHeap() - before) / users
		runtime.KeepAlive(sessions)
		t.Logf("%s: %d bytes a user", name, perUser)
		if perUser > size/4 {
			t.Errorf("%s: a user who waits keeps %d bytes", name, perUser)
		}
	}
}

func plainAnswer(size int) []byte {
	return append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size), make([]byte, size)...)
}

// An idleSession is a session whose server says what it is told to.
type idleSession struct {
	*Session
	conn *repeatingConn
}

func idleSessions(t testing.TB, users int, reuse bool) []idleSession {
	t.Helper()
	sessions := make([]idleSession, users)
	for i := range sessions {
		c := &repeatingConn{}
		u := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Host: "http://h"})
		s, err := New(u, Config{Dial: func(context.Context, string, string) (net.Conn, error) { return c, nil }, ReuseResponses: reuse})
		if err != nil {
			t.Fatal(err)
		}
		sessions[i] = idleSession{s, c}
	}
	return sessions
}

// BenchmarkGetOfManyUsers shows what it costs that users keep no response: their
// turns are far apart.
func BenchmarkGetOfManyUsers(b *testing.B) {
	const users = 10_000
	for _, size := range []int{100, 13 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			sessions := idleSessions(b, users, true)
			answer := plainAnswer(size)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s := sessions[i%users]
				s.conn.answer = answer
				if _, err := s.Get(s.user.Context(), "/doc/1", Name("/doc")); err != nil {
					b.Fatal(err)
				}
				s.user.Client().EndTask()
			}
			b.ReportMetric(float64(liveHeap())/users, "live-B/user")
			runtime.KeepAlive(sessions)
		})
	}
}

func liveHeap() int64 {
	var m runtime.MemStats
	for range 3 { // sync.Pools are emptied in two steps
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

// A user who waits, with a pool and without cookies, owns its session and what tells
// it of the user's end, and nothing of its requests.
func TestAWaitingUserOwnsLittle(t *testing.T) {
	const users, limit = 5000, 500 // bytes each
	pool := NewPool(PoolConfig{Dial: func(context.Context, string, string) (net.Conn, error) {
		return &repeatingConn{answer: plainAnswer(13 << 10)}, nil
	}})
	all := make([]*locustworker.User, users)
	for i := range all {
		all[i] = locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Host: "http://h"})
	}
	sessions := make([]*Session, users)
	before := liveHeap()
	for i, u := range all {
		s, err := New(u, Config{Pool: pool})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := s.Get(u.Context(), "/doc/1", Name("/doc")); err != nil || !r.OK() {
			t.Fatal(r, err)
		}
		u.Client().EndTask()
		sessions[i] = s
	}
	each := (liveHeap() - before) / users
	runtime.KeepAlive(sessions)
	t.Logf("%d bytes a user", each)
	if each > limit {
		t.Errorf("a user who waits owns %d bytes, more than %d", each, limit)
	}
}
