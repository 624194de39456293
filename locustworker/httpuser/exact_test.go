package httpuser_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// A killing is a number of users that are killed at any moment of a request, while
// some answers never come.
type killing struct {
	users    int
	cfg      httpuser.Config
	killedAt int64         // the request with which the killing begins
	lasts    time.Duration // within which all are killed
	hangs    func(n int64) bool
	h2c      bool // the server speaks HTTP/2
}

// run returns how many requests the server has served, once it has seen them all,
// and what the users made of them.
func (m killing) run(t *testing.T) (served, recorded, cut int) {
	t.Helper()
	const drain = 5 * time.Millisecond
	var seen atomic.Int64
	rigs := make([]*rig, m.users)
	end := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		n := seen.Add(1)
		if n == m.killedAt {
			for _, r := range rigs {
				time.AfterFunc(rand.N(m.lasts), func() { r.kill(errStopped) })
			}
		}
		if m.hangs(n) {
			<-end
		}
		io.WriteString(w, "answer")
	}))
	if m.h2c {
		srv.Config.Protocols = new(http.Protocols)
		srv.Config.Protocols.SetUnencryptedHTTP2(true)
	}
	srv.Start()
	t.Cleanup(srv.Close)
	for i := range rigs {
		rigs[i] = newRig(t, srv.URL, m.cfg, drain)
	}
	var wg sync.WaitGroup
	for _, r := range rigs {
		wg.Go(func() {
			body := httpuser.Body([]byte("body"), "text/plain")
			for {
				if resp, err := r.Post(r.user.Context(), "/", body); err != nil {
					return
				} else if !resp.OK() {
					t.Error(resp.Err)
				}
			}
		})
	}
	wg.Wait()
	for _, r := range rigs {
		samples, cuts := r.counts()
		recorded, cut = recorded+samples, cut+cuts
	}
	// The server has not yet seen all that nobody waits for any more.
	eventually(t, "all requests are served", func() bool { return int(seen.Load()) >= recorded+cut })
	close(end)
	srv.Close()
	return int(seen.Load()), recorded, cut
}

// Requests served = recorded + cut, when users are killed at any moment of a
// request and some answers never come.
//
// Conformance: P21
func TestServedIsRecordedPlusCut(t *testing.T) {
	served, recorded, cut := killing{
		users: 200, killedAt: 600, lasts: 10 * time.Millisecond, hangs: func(n int64) bool { return n%7 == 0 },
	}.run(t)
	if served != recorded+cut || recorded == 0 || cut == 0 {
		t.Errorf("%d served, %d recorded, %d cut", served, recorded, cut)
	}
}
