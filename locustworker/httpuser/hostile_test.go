package httpuser

import (
	"bufio"
	"crypto/sha1"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// hostileSeed is for looking at a seed again.
var hostileSeed = flag.Uint64("hostile.seed", 0, "the seed of TestAnswersAsHttpUser's new answers; 0 draws one") //nolint:gochecknoglobals // a flag

// A hostileServer plays each client the answer of its case, and then answers all
// of that client's requests with one small page.
type hostileServer struct {
	host  string
	cases map[string]*hostileCase
	mu    sync.Mutex
	seen  map[string][]string      // by client and case
	ended map[string]chan struct{} // closed when a connection that the case closes is
}

func startHostile(t *testing.T, cases []*hostileCase) *hostileServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hostileServer{host: l.Addr().String(), cases: map[string]*hostileCase{}, seen: map[string][]string{}, ended: map[string]chan struct{}{}}
	for _, c := range cases {
		h.cases[c.name] = c
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { h.serve(c.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return h
}

func (h *hostileServer) serve(c *net.TCPConn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	br := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		it := h.cases[r.Header.Get("X-Case")]
		if r.RequestURI == "/wait" {
			<-h.end(r, it)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			return
		}
		if h.note(r, body) > 1 {
			io.WriteString(c, "HTTP/1.1 299 Next\r\nContent-Length: 4\r\n\r\nnext")
			continue
		}
		c.Write([]byte(strings.ReplaceAll(string(it.answer), "{host}", h.host)))
		if it.closes {
			c.CloseWrite()
			close(h.end(r, it))
			io.Copy(io.Discard, c)
			return
		}
	}
}

// end is closed when the server has closed the connection over which it played the
// case, at once where it keeps that open.
func (h *hostileServer) end(r *http.Request, c *hostileCase) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := r.Header.Get("X-Client") + " " + c.name
	if h.ended[key] == nil {
		h.ended[key] = make(chan struct{})
		if !c.closes {
			close(h.ended[key])
		}
	}
	return h.ended[key]
}

// note keeps what a client sent and returns how many requests that makes.
func (h *hostileServer) note(r *http.Request, body []byte) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := r.Header.Get("X-Client") + " " + r.Header.Get("X-Case")
	h.seen[key] = append(h.seen[key], fmt.Sprintf("%s %s %q %q Cookie %q", r.Method, r.RequestURI, r.Header.Get("Content-Type"), body, r.Header["Cookie"]))
	return len(h.seen[key])
}

// A hostileResult is what a client made of an answer: status, length, SHA-1 of the
// body, the failure's class and the status of the next request; and what it sent.
type hostileResult struct {
	result [5]any
	sent   []string
}

// meet makes the case's request, and then one for /next, as a user of its own.
func (h *hostileServer) meet(t *testing.T, c *hostileCase) hostileResult {
	t.Helper()
	user := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Host: "http://" + h.host})
	s, err := New(user, Config{Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mark := []Option{Header("X-Case", c.name), Header("X-Client", "own"), Name("/n")}
	opts := mark
	if c.body != "" {
		opts = append(slices.Clone(mark), Body([]byte(c.body), ""))
	}
	r, err := s.Do(user.Context(), c.method, c.path, opts...)
	if err != nil {
		t.Fatal(c.name, err)
	}
	sum := sha1.Sum(r.Body)
	class, _, _ := strings.Cut(recordedText(r.Err), "(")
	got := hostileResult{result: [5]any{float64(r.StatusCode), float64(r.Length), hex.EncodeToString(sum[:]), class, nil}}
	waiter := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	asked, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+h.host+"/wait", nil)
	if err != nil {
		t.Fatal(err)
	}
	asked.Header.Set("X-Case", c.name)
	asked.Header.Set("X-Client", "own")
	if r, err := waiter.Do(asked); err != nil {
		t.Fatal(err)
	} else {
		r.Body.Close()
	}
	next, err := s.Get(user.Context(), "/next", mark...)
	if err != nil {
		t.Fatal(c.name, err)
	}
	got.result[4] = float64(next.StatusCode)
	h.mu.Lock()
	defer h.mu.Unlock()
	got.sent = h.seen["own "+c.name]
	return got
}

// Answers that are put together at random mean to a session what they mean to
// Locust's HttpUser: verdict, status, body, failure, the cookies and the rest of
// what is sent next. Where they do not, the difference is one that docs/http.md
// gives a reason for; among answers never tried before there may be others, as long
// as at least 95 of 100 mean the same.
func TestAnswersAsHttpUser(t *testing.T) {
	const fixed = 20260704
	seed := *hostileSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	cases := append(makeHostile(fixed, 400), makeHostile(seed, 600)...)
	h := startHostile(t, cases)
	got := map[string]hostileResult{}
	for _, c := range cases {
		got[c.name] = h.meet(t, c)
	}
	want := h.meetStock(t, cases)
	agreed, excused := 0, map[string]int{}
	for _, c := range cases {
		own, stock := got[c.name], want[c.name]
		if reflect.DeepEqual(own, stock) {
			agreed++
			continue
		}
		if why := c.difference(own, stock); why != "" {
			excused[why]++
			continue
		}
		report := t.Errorf
		if !strings.HasPrefix(c.name, fmt.Sprint(fixed, "-")) {
			report = t.Logf // it counts below
		}
		report("%s (seed %d) %s %s: %v\n%q\n own  %v\n stock %v", c.name, seed, c.method, c.path, c.parts, c.answer[:min(len(c.answer), 600)], own, stock)
	}
	t.Logf("seed %d: %d of %d answers mean the same; known differences: %v", seed, agreed, len(cases), excused)
	if agreed*100 < 95*len(cases) {
		t.Errorf("only %d of %d answers mean the same", agreed, len(cases))
	}
}

// meetStock has HttpUsers meet the same answers.
func (h *hostileServer) meetStock(t *testing.T, cases []*hostileCase) map[string]hostileResult {
	t.Helper()
	var given [][]any
	for _, c := range cases {
		row := []any{c.name, c.method, c.path, nil}
		if c.body != "" {
			row[3] = c.body
		}
		given = append(given, row)
	}
	var results map[string][5]any
	python(t, "hostile", map[string]any{"host": "http://" + h.host, "cases": given}, &results)
	met := map[string]hostileResult{}
	for name, result := range results {
		if result[2] == "" {
			result[2] = "da39a3ee5e6b4b0d3255bfef95601890afd80709" // of nothing
		}
		met[name] = hostileResult{result, h.seen["stock "+name]}
	}
	return met
}

// difference names why the two clients differ, "" where they should not. Each name
// is a row of the table in docs/http.md.
func (c *hostileCase) difference(own, stock hostileResult) string {
	has := func(part string) bool { return slices.Contains(c.parts, part) }
	switch {
	case has("103 Early Hints"):
		return "interim answers"
	case has("no colon"), has("blank before the colon"):
		return "field lines"
	case has("no body by status") && (stock.result[3] == "ReadTimeoutError" || stock.result[3] == "ChunkedEncodingError"):
		return "no body by status"
	case has("half a head"):
		return "half a head"
	case has("coded") && own.result[3] == "ChunkedEncodingError" && stock.result[3] == "ContentDecodingError":
		return "two faults at once"
	case has("redirect") && strings.Contains(c.path, "//"):
		return "empty path segments"
	case has("odd cookie"):
		return "cookie attributes and values"
	}
	return ""
}

// What a difference is excused for stands in docs/http.md.
func TestKnownDifferencesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"interim answers", "field lines", "no body by status", "half a head", "two faults at once", "empty path segments", "cookie attributes and values"} {
		if !strings.Contains(string(page), "| "+name+" |") {
			t.Errorf("docs/http.md has no row for %q", name)
		}
	}
}
