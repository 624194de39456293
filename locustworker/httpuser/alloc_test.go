package httpuser_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// allocationsPerGet is what one GET costs on a warm connection, with a name and
// a static check: nothing where responses are used again, else the response and
// its memory.
const (
	allocationsPerGet     = 0
	allocationsPerKeptGet = 2
)

func TestGetDoesNotAllocate(t *testing.T) {
	host := serveFixed(t, 1024)
	for _, reuse := range []bool{true, false} {
		recorded := 0
		u := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{
			Host: host, Record: func(locustworker.Sample) { recorded++ },
		})
		s, err := httpuser.New(u, httpuser.Config{ReuseResponses: reuse})
		if err != nil {
			t.Fatal(err)
		}
		check := func(r *httpuser.Response) error { return nil }
		got := testing.AllocsPerRun(500, func() {
			if r, err := s.Get(u.Context(), "/doc/1", httpuser.Name("/doc"), httpuser.Check(check)); err != nil || r.Err != nil {
				t.Fatal(r, err)
			}
		})
		if recorded != 501 {
			t.Errorf("%d samples recorded, want 501", recorded)
		}
		if raceEnabled {
			continue // sync.Pool drops some of what it is given, on purpose
		}
		want := float64(allocationsPerKeptGet)
		if reuse {
			want = allocationsPerGet
		}
		if got != want {
			t.Errorf("%v allocations a GET, want %v (responses used again: %v)", got, want, reuse)
		}
	}
}

// serveFixed starts a server that answers each GET with size bytes and allocates
// nothing.
func serveFixed(t testing.TB, size int) (host string) {
	answer := append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", size), make([]byte, size)...)
	return serveRaw(t, func(_ int, c net.Conn, _ func() bool) {
		buf := make([]byte, 4096)
		have := 0
		for {
			n, err := c.Read(buf[have:])
			if err != nil {
				return
			}
			if have += n; bytes.HasSuffix(buf[:have], []byte("\r\n\r\n")) {
				have = 0
				if _, err := c.Write(answer); err != nil {
					return
				}
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	for _, size := range []int{100, 1 << 10, 13 << 10} {
		for name, reuse := range map[string]bool{"kept": false, "reused": true} {
			b.Run(fmt.Sprint(size, " ", name), func(b *testing.B) {
				u := locustworker.NewStandaloneUser(b.Context(), locustworker.StandaloneConfig{Host: serveFixed(b, size)})
				s, err := httpuser.New(u, httpuser.Config{ReuseResponses: reuse})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Get(u.Context(), "/doc/1", httpuser.Name("/doc")); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkPooledGet has users share fewer connections than there are users at
// work, so that they wait for each other.
func BenchmarkPooledGet(b *testing.B) {
	const conns, users = 2, 100
	host := serveFixed(b, 100)
	pool := httpuser.NewPool(httpuser.PoolConfig{MaxConns: conns})
	b.ReportAllocs()
	b.SetParallelism(users / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		u := locustworker.NewStandaloneUser(b.Context(), locustworker.StandaloneConfig{Host: host})
		s, err := httpuser.New(u, httpuser.Config{Pool: pool})
		if err != nil {
			b.Error(err)
			return
		}
		for pb.Next() {
			if _, err := s.Get(u.Context(), "/doc/1", httpuser.Name("/doc")); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkBareExchange is the floor: the same bytes without HTTP.
func BenchmarkBareExchange(b *testing.B) {
	for _, size := range []int{100, 13 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c, err := net.Dial("tcp", serveFixed(b, size)[len("http://"):])
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			request := []byte("GET /doc/1 HTTP/1.1\r\nUser-Agent: locustworker\r\nHost: 127.0.0.1:12345\r\nAccept-Encoding: gzip, deflate, br\r\nAccept: */*\r\n\r\n")
			br := bufio.NewReaderSize(c, 16<<10)
			for b.Loop() {
				if _, err := c.Write(request); err != nil {
					b.Fatal(err)
				}
				for {
					line, err := br.ReadSlice('\n')
					if err != nil {
						b.Fatal(err)
					}
					if len(line) == 2 {
						break
					}
				}
				if _, err := io.CopyN(io.Discard, br, int64(size)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
