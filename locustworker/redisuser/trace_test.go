package redisuser

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/locustworker"
)

// A follower is a tracer that keeps what it is told. samples counts those that came with
// each trace.
type follower struct {
	mu      sync.Mutex
	traces  []*followed
	samples map[locustworker.RequestTrace]int
}

type followed struct {
	row        string
	attributes map[string]any
	aborted    error
}

func (f *follower) StartRequest(_ context.Context, _ *locustworker.User, kind, name string) locustworker.RequestTrace {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := &followed{row: kind + " " + name, attributes: map[string]any{}}
	f.traces = append(f.traces, t)
	return t
}

func (*followed) Headers(func(key, value string))   {}
func (t *followed) Attribute(key string, value any) { t.attributes[key] = value }
func (t *followed) Abort(err error)                 { t.aborted = err }

func (f *follower) count(_ *locustworker.User, s locustworker.Sample) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.samples[s.Trace]++
}

type traced struct {
	*Session

	end func() // the run
}

// send sends a command, a pipeline of two and one that is not sent.
func (u *traced) send(ctx context.Context) error {
	err := Quiet(u.Get(ctx, "trace").Err())
	_, pipeErr := u.Pipelined(Name(ctx, "both"), func(p redis.Pipeliner) error {
		p.Set(ctx, "trace", "x", 0)
		p.Get(ctx, "trace")
		return nil
	})
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if u.Ping(ended).Err() == nil {
		err = errors.New("a context that has ended does not stop a command")
	}
	if err == nil {
		err = Quiet(pipeErr)
	}
	if err != nil {
		return err
	}
	u.end()
	return locustworker.ErrStopUser
}

// TestTraces holds that each command and pipeline is followed, and that each trace ends
// with its sample, or is aborted where there is none.
func TestTraces(t *testing.T) {
	for _, each := range []bool{false, true} {
		f := &follower{samples: map[locustworker.RequestTrace]int{}}
		ctx, end := context.WithCancel(t.Context())
		class := locustworker.NewClass("Traced", func(u *locustworker.User) (*traced, error) {
			s, err := New(u, Config{EachCommand: each})
			return &traced{s, end}, err
		}).Task("send", 1, (*traced).send)
		events := locustworker.Events{Request: f.count}
		w, err := locustworker.New(locustworker.Config{Host: shared.Addr, Tracer: f, Events: events}, class)
		must(t, err)
		if code, err := w.RunHeadless(ctx, locustworker.Headless{}); err != nil || code != 0 {
			t.Errorf("exit code %d, %v", code, err)
		}
		var rows []string
		for _, one := range f.traces {
			rows = append(rows, one.row)
			if one.attributes["db.system.name"] != "redis" || one.attributes["db.namespace"] != "0" ||
				one.attributes["server.address"] != shared.Host || one.attributes["server.port"] != int64(shared.Port) {
				t.Errorf("%s: %v", one.row, one.attributes)
			}
			if ping := one.row == "REDIS PING"; ping != (one.aborted != nil) || ping == (f.samples[one] == 1) {
				t.Errorf("%s: aborted %v, %d samples", one.row, one.aborted, f.samples[one])
			}
		}
		want := []string{"REDIS GET", "REDIS both", "REDIS PING"}
		operations := []any{"GET", "PIPELINE", "PING"}
		if each {
			want = slices.Insert(want, 1, "REDIS both")
			operations = []any{"GET", "SET", "GET", "PING"}
		}
		if !slices.Equal(rows, want) {
			t.Fatalf("%q, want %q", rows, want)
		}
		for i, one := range f.traces {
			batch := any(nil)
			if operations[i] == "PIPELINE" {
				batch = int64(2)
			}
			if one.attributes["db.operation.name"] != operations[i] || one.attributes["db.operation.batch.size"] != batch {
				t.Errorf("%s: %v", one.row, one.attributes)
			}
		}
	}
}
