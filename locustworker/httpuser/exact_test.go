package httpuser_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// Requests served = recorded + cut, when users are killed at any moment of a
// request and answers come in time, late or not at all.
func TestServedIsRecordedPlusCut(t *testing.T) {
	const users, drain = 200, 5 * time.Millisecond
	var served atomic.Int64
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		served.Add(1)
		time.Sleep(time.Duration(rand.IntN(12)) * time.Millisecond)
		io.WriteString(w, "answer")
	})
	var wg sync.WaitGroup
	rigs := make([]*rig, users)
	for i := range rigs {
		r := newRig(t, srv.URL, httpuser.Config{}, drain)
		rigs[i] = r
		time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { r.kill(errStopped) })
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
	srv.Close() // waits for the requests that nobody waits for any more
	recorded, cut := 0, 0
	for _, r := range rigs {
		samples, cuts := r.counts()
		recorded, cut = recorded+samples, cut+cuts
	}
	if int(served.Load()) != recorded+cut || recorded == 0 || cut == 0 {
		t.Errorf("%d served, %d recorded, %d cut", served.Load(), recorded, cut)
	}
	t.Logf("%d served, %d recorded, %d cut", served.Load(), recorded, cut)
}
