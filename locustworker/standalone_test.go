package locustworker

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"
)

// TestStandaloneUser has what a class may ask of its user.
func TestStandaloneUser(t *testing.T) {
	var sent []string
	var samples []Sample
	log := &logText{}
	cut := 0
	u := NewStandaloneUser(t.Context(), StandaloneConfig{
		Host: "http://shop", Seed: 7, WorkerIndex: 2, WorkerCount: 4, Arguments: map[string]any{"skus": "a,b"},
		Record: func(s Sample) { samples = append(samples, s) },
		Cut:    func() { cut++ },
		Send:   func(messageType string, data any) { sent = append(sent, fmt.Sprint(messageType, " ", data)) },
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	env := u.Environment()
	skus, err := Argument[[]string](env.Arguments(), "skus")
	if env.WorkerIndex() != 2 || env.WorkerCount() != 4 || len(skus) != 2 || err != nil || env.ClientID() == "" {
		t.Errorf("index %d, count %d, skus %v, %v", env.WorkerIndex(), env.WorkerCount(), skus, err)
	}
	err = errors.Join(env.SendMessage("hello", 1), env.StopRun("no data"), env.Quit(3))
	if want := []string{"hello 1", "go_stop_run map[reason:no data]", "go_quit map[code:3]"}; err != nil || !reflect.DeepEqual(sent, want) {
		t.Errorf("sent %q, %v", sent, err)
	}
	u.Record(Sample{Type: "GET", Name: "/", ResponseTime: -time.Second})
	u.Client().Cut()
	if c := env.Counters(); c.Recorded != 1 || c.Cut != 1 || cut != 1 || len(samples) != 1 || samples[0].ResponseTime != 0 {
		t.Errorf("%+v, cut %d, samples %+v", c, cut, samples)
	}
	if env.Logger().Warn("careful"); log.String() == "" {
		t.Error("nothing in the log")
	}
	other := NewStandaloneUser(t.Context(), StandaloneConfig{Seed: 7, WorkerIndex: 2})
	if u.Rand().Uint64() != other.Rand().Uint64() {
		t.Error("two users of one seed differ")
	}
}

// TestStandaloneUserByDefault is one that can do nothing wrong.
func TestStandaloneUserByDefault(t *testing.T) {
	u := NewStandaloneUser(t.Context(), StandaloneConfig{})
	env := u.Environment()
	u.Record(Sample{})
	u.Client().Cut()
	u.Client().Connected()()
	env.Logger().Info("x")
	if err := env.SendMessage("hello", nil); err != nil || len(env.Arguments().Names()) != 0 || env.WorkerCount() != 0 || env.WorkerIndex() != 0 {
		t.Errorf("%v, %v", err, env.Arguments().Names())
	}
	if u.Client().DrainTimeout() != time.Second {
		t.Errorf("drain timeout %v", u.Client().DrainTimeout())
	}
}
