package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// counts reads /metrics and returns the request counters by "METHOD route status".
func counts(t *testing.T, s http.Handler) map[string]int {
	t.Helper()
	resp, body := ask(s, get, "/metrics", "")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("/metrics: %d %s", resp.StatusCode, body)
	}
	out := map[string]int{}
	for line := range strings.Lines(body) {
		rest, found := strings.CutPrefix(line, "bandwing_api_requests_total{")
		if !found {
			continue
		}
		labels, value, _ := strings.Cut(strings.TrimSpace(rest), "} ")
		label := map[string]string{}
		for pair := range strings.SplitSeq(labels, ",") {
			name, quoted, _ := strings.Cut(pair, "=")
			label[name], _ = strconv.Unquote(quoted)
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if label["route"] != "/metrics" {
			out[label["method"]+" "+label["route"]+" "+label["status"]] = n
		}
	}
	return out
}

func checkCounts(t *testing.T, s http.Handler, want map[string]int) {
	t.Helper()
	if got := counts(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counts\n%v, want\n%v", got, want)
	}
}

func TestRequestsAreCountedByRouteMethodAndStatus(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{json: "1"})
	for _, tc := range []struct{ method, target, body string }{
		{get, "/api/v1/doc/a", ""},
		{get, "/api/v1/doc/b", ""},
		{get, "/api/v1/doc/%ff", ""},
		{post, "/api/v1/redisjson", "{}"},
		{post, "/api/v1/doc/a", ""},
		{get, "/api/v1/nope", ""},
		{get, "/nope", ""},
		{"BREW", "/healthz", ""},
		{get, "/healthz", ""},
	} {
		ask(s, tc.method, tc.target, tc.body)
	}
	checkCounts(t, s, map[string]int{
		"GET /api/v1/doc/:id 200":    2,
		"GET /api/v1/doc/:id 400":    1,
		"POST /api/v1/redisjson 200": 1,
		"POST /api/v1/unmatched 405": 1,
		"GET /api/v1/unmatched 404":  1,
		"GET unmatched 404":          1,
		"other unmatched 405":        1,
		"GET /healthz 200":           1,
	})
	_, body := ask(s, get, "/metrics", "")
	if want := `bandwing_api_request_duration_seconds_count{route="/api/v1/doc/:id"} 3`; !strings.Contains(body, want) {
		t.Errorf("no %s in\n%s", want, body)
	}
	checkCounts(t, newServer(t, Config{}, &fakeStore{}), map[string]int{}) // another server counts apart
}

// countedFirst is a connection that checks, whenever it gets something to send, that the request is counted.
type countedFirst struct {
	*httptest.ResponseRecorder
	t      *testing.T
	server *Server
	key    string
	sends  int
}

func (w *countedFirst) check() {
	w.sends++
	if n := counts(w.t, w.server)[w.key]; n != 1 {
		w.t.Errorf("the reply goes out with the request counted %d times", n)
	}
}

func (w *countedFirst) WriteHeader(status int) {
	w.check()
	w.ResponseRecorder.WriteHeader(status)
}

func (w *countedFirst) Write(b []byte) (int, error) {
	w.check()
	return w.ResponseRecorder.Write(b)
}

func TestRequestsAreCountedBeforeTheReplyGoesOut(t *testing.T) {
	for _, tc := range []struct {
		target, key string
		store       *fakeStore
	}{
		{"/api/v1/doc/k", "GET /api/v1/doc/:id 200", &fakeStore{json: "1"}},
		{"/api/v1/doc/k", "GET /api/v1/doc/:id 503", &fakeStore{err: ErrUnavailable}},
		{"/api/v1/doc/k", "GET /api/v1/doc/:id 500", &fakeStore{panics: 1}},
		{"/api/v1/nope", "GET /api/v1/unmatched 404", &fakeStore{}},
	} {
		s := newServer(t, Config{}, tc.store)
		w := &countedFirst{ResponseRecorder: httptest.NewRecorder(), t: t, server: s, key: tc.key}
		s.ServeHTTP(w, httptest.NewRequest(get, tc.target, nil))
		if w.sends == 0 {
			t.Errorf("%s: nothing was sent", tc.key)
		}
		checkCounts(t, s, map[string]int{tc.key: 1})
	}
}

// TestAClientThatHasItsReplyIsCounted is the promise to end-to-end tests, over a network and with a reply that is
// larger than all buffers on the way.
func TestAClientThatHasItsReplyIsCounted(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{json: `"` + strings.Repeat("x", 1<<18) + `"`})
	srv := httptest.NewServer(s)
	defer srv.Close()
	client := srv.Client()
	defer client.CloseIdleConnections()
	for i := 1; i <= 100; i++ {
		resp, err := client.Get(srv.URL + "/api/v1/doc/k")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, resp.ContentLength)); err != nil {
			t.Fatal(err)
		}
		if n := counts(t, s)["GET /api/v1/doc/:id 200"]; n != i {
			t.Fatalf("%d counted after %d replies", n, i)
		}
		resp.Body.Close()
	}
}

func TestAClientThatHangsUpIsCountedOnce(t *testing.T) {
	for _, tc := range []struct {
		name, send, key string
		hold            bool // the store is at work when the client goes
	}{
		{"waiting", "GET /api/v1/doc/k HTTP/1.1\r\nHost: x\r\n\r\n", "GET /api/v1/doc/:id 499", true},
		{"not reading", "GET /api/v1/doc/k HTTP/1.1\r\nHost: x\r\n\r\n", "GET /api/v1/doc/:id 200", false},
		{"sending", "POST /api/v1/redisjson HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{", "POST /api/v1/redisjson 400", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store := &fakeStore{json: `"` + strings.Repeat("x", 8<<20) + `"`, entered: make(chan struct{})}
			if tc.hold {
				store.hold = make(chan struct{})
			}
			s := newServer(t, Config{}, store)
			srv := httptest.NewServer(s)
			defer srv.Close() // blocks until the handler is done
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte(tc.send)); err != nil {
				t.Fatal(err)
			}
			if tc.hold {
				<-store.entered
			}
			conn.Close()
			awaitCount(t, s, tc.key)
			srv.Close()
			checkCounts(t, s, map[string]int{tc.key: 1})
		})
	}
}

func awaitCount(t *testing.T, s *Server, key string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for counts(t, s)[key] == 0 {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in %v", key, counts(t, s))
		}
		time.Sleep(time.Millisecond)
	}
}

// TestPanicInAReplyThatHasBegun holds that the client sees a broken reply and not a short one, and that it is counted.
func TestPanicInAReplyThatHasBegun(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{})
	s.engine.GET("/begun", func(c *gin.Context) {
		_, _ = c.Writer.WriteString(strings.Repeat("x", 1<<16))
		panic("in the middle")
	})
	srv := httptest.NewServer(s)
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /begun HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the body ended with %v", err)
	}
	checkCounts(t, s, map[string]int{"GET /begun 200": 1})
}

func TestRepliesWithoutABodyAreCounted(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{})
	s.engine.GET("/empty", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	s.engine.GET("/flush", func(c *gin.Context) { c.Writer.Flush() })
	s.engine.GET("/abort", func(*gin.Context) { panic(http.ErrAbortHandler) })
	ask(s, get, "/empty", "")
	ask(s, get, "/flush", "")
	func() {
		defer func() {
			if fault, _ := recover().(error); !errors.Is(fault, http.ErrAbortHandler) {
				t.Errorf("recovered %v", fault)
			}
		}()
		ask(s, get, "/abort", "")
	}()
	checkCounts(t, s, map[string]int{"GET /empty 204": 1, "GET /flush 200": 1, "GET /abort 200": 1})
}

var _ interface{ Unwrap() http.ResponseWriter } = (*countingWriter)(nil)

func TestTheContextOfARequestEndsWithItsClient(t *testing.T) {
	store := &fakeStore{hold: make(chan struct{}), entered: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := httptest.NewRecorder()
	newServer(t, Config{}, store).ServeHTTP(rec, httptest.NewRequest(get, "/api/v1/doc/k", nil).WithContext(ctx))
	if rec.Code != statusClientGone {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
