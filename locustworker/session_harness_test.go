package locustworker

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// A stage is a worker and a scripted master in a bubble of fake time.
type stage struct {
	t      *testing.T
	master *mastertest.Master
	worker *Worker
	diary  *diary
	lossy  bool // the test ends without a master
	log    *logText
	end    context.CancelFunc
	ended  chan struct{}
	err    error // what Run has returned, once ended is closed
}

// A logText collects log lines. It is safe for concurrent use.
type logText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// onStage runs a test with a worker of the class "Scripted", whose users follow
// the script, record one sample a task and wait a second between tasks.
func onStage(t *testing.T, cfg Config, script scripted, test func(*stage), opts ...mastertest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, master: mastertest.NewInMemory(t, opts...), diary: newDiary(), log: &logText{}, ended: make(chan struct{})}
		if cfg.Logger == nil {
			cfg.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		cfg.Seed = 1
		s.start(cfg, s.class(script))
		t.Cleanup(s.finish)
		test(s)
	})
}

func (s *stage) class(script scripted) Class {
	return NewClass("Scripted", func(u *User) (*scripted, error) {
		user := script
		user.user, user.diary = u, s.diary
		return &user, nil
	}).Wait(Constant(time.Second)).Task("run", 1, func(user *scripted, ctx context.Context) error {
		err := user.run(ctx)
		if ctx.Err() == nil {
			user.user.Record(Sample{Type: "TASK", Name: "run", ResponseTime: 5 * time.Millisecond, Length: 10})
		}
		return err
	})
}

func (s *stage) start(cfg Config, classes ...Class) {
	s.t.Helper()
	w, err := New(cfg, classes...)
	if err != nil {
		s.t.Fatal(err)
	}
	w.dial = func(ctx context.Context, addr, identity string) (uplink.Conn, error) {
		c, err := s.master.Dial(ctx, addr, identity)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	w.nap = nil // time is fake
	s.worker = w
	ctx, cancel := context.WithCancel(s.t.Context())
	s.end = cancel
	go func() {
		defer close(s.ended)
		s.err = w.Run(ctx)
	}()
}

// finish ends the worker and fails the test unless all its samples are accounted
// for.
func (s *stage) finish() {
	s.quit()
	c := s.worker.Counters()
	if c.Recorded != c.Confirmed+c.Open+c.Discarded || (c.Open > 0 && !s.lossy) {
		s.t.Errorf("the samples do not add up, or some are not proven to have arrived: %+v", c)
	}
	if shown := s.worker.Snapshot().Counters; shown != c {
		s.t.Errorf("the snapshot shows %+v; want %+v", shown, c)
	}
	if s.t.Failed() {
		s.t.Logf("the worker's log:\n%s\nwhat the master got:\n%s", s.log, s.master)
	}
}

// quit ends the worker as a signal does.
func (s *stage) quit() {
	s.end()
	<-s.ended
}

// id returns the identity that the master knows the worker by.
func (s *stage) id() string { return s.master.WaitFor("client_ready", time.Minute).Worker }

// recorded returns how many samples the worker's users have recorded.
func (s *stage) recorded() int64 { return s.worker.Counters().Recorded }

// checkTotals fails unless the master's table holds all that was recorded.
func (s *stage) checkTotals(want int64) {
	s.t.Helper()
	if got := s.master.Totals().All.Requests; got != want {
		s.t.Errorf("the master's table holds %d requests; want %d", got, want)
	}
}
