package loadshape

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/pythontest"
	"github.com/bandwing/bandwing/locustworker"
)

// TestShapesAreThoseOfTheMaster compares every second of generated runs with
// master/load_shapes.py.
func TestShapesAreThoseOfTheMaster(t *testing.T) {
	peer := pythontest.Start(t, "testdata/peer.py")
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 3))
		n := Numbers{Users: 1 + rng.IntN(300), Duration: time.Duration(1+rng.IntN(200)) * time.Second, Steps: 1 + rng.IntN(9), MaxFailures: float64(1 + rng.IntN(40))}
		var moments []locustworker.ShapeMoment
		var asked []any
		var m locustworker.ShapeMoment
		for m.RunTime <= n.Duration {
			moments = append(moments, m)
			asked = append(asked, []any{m.RunTime.Seconds(), m.Requests, m.Failures})
			made := rng.Int64N(30)
			m.RunTime += time.Second
			m.Requests += made
			m.Failures += rng.Int64N(1 + made/4)
		}
		for name, shape := range All(n) {
			var want []*[2]float64
			peer.Call("ticks", map[string]any{"name": name, "moments": asked, "numbers": map[string]any{
				"shape_users": n.Users, "shape_duration": n.Duration.Seconds(), "shape_steps": n.Steps, "shape_max_failures": n.MaxFailures,
			}}, &want)
			for i, m := range moments {
				stage, ok := shape.Tick(m)
				if !ok && want[i] == nil {
					break
				}
				if ok != (want[i] != nil) || float64(stage.Users) != want[i][0] || stage.SpawnRate != want[i][1] {
					t.Fatalf("seed %d, %s of %+v at %+v: %+v, %v; want %v", seed, name, n, m, stage, ok, want[i])
				}
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	stage, ok := Steps(Numbers{}).Tick(locustworker.ShapeMoment{RunTime: 299 * time.Second})
	if !ok || stage.Users != 50 || stage.SpawnRate != 50 {
		t.Errorf("%+v, %v", stage, ok)
	}
	if _, ok := Spike(Numbers{}).Tick(locustworker.ShapeMoment{RunTime: 5 * time.Minute}); ok {
		t.Error("it does not end after five minutes")
	}
}
