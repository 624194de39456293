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
// request and some answers never come.
func TestServedIsRecordedPlusCut(t *testing.T) {
	const users, killedAt, drain = 200, 600, 5 * time.Millisecond
	var served atomic.Int64
	rigs := make([]*rig, users)
	end := make(chan struct{})
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		n := served.Add(1)
		if n == killedAt {
			for _, r := range rigs {
				time.AfterFunc(time.Duration(rand.IntN(10_000))*time.Microsecond, func() { r.kill(errStopped) })
			}
		}
		if n%7 == 0 {
			<-end
		}
		io.WriteString(w, "answer")
	})
	for i := range rigs {
		rigs[i] = newRig(t, srv.URL, httpuser.Config{}, drain)
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
	recorded, cut := 0, 0
	for _, r := range rigs {
		samples, cuts := r.counts()
		recorded, cut = recorded+samples, cut+cuts
	}
	// The server has not yet seen all that nobody waits for any more.
	for deadline := time.Now().Add(patience); int(served.Load()) < recorded+cut && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	close(end)
	srv.Close()
	if int(served.Load()) != recorded+cut || recorded == 0 || cut == 0 {
		t.Errorf("%d served, %d recorded, %d cut", served.Load(), recorded, cut)
	}
}
