// Package loadshape has load shapes for runs without a master, the same as
// master/load_shapes.py has for a Locust master:
//
//	locustworker.MainConfig(locustworker.Config{Shapes: loadshape.All(loadshape.Numbers{Users: 100})}, classes...)
//
// and then --headless --shape Spike.
package loadshape

import (
	"math"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// Numbers are what all shapes have in common. The zero value has the defaults.
type Numbers struct {
	// Users is the most users of the shape. Default 50.
	Users int
	// Duration is the time that the shape takes in all. Default 5 minutes.
	Duration time.Duration
	// Steps is the number of steps of Steps and RampToFailure. Default 5.
	Steps int
	// MaxFailures is the percentage of failed requests at which RampToFailure ends.
	// Default 5.
	MaxFailures float64
}

func (n Numbers) withDefaults() Numbers {
	if n.Users < 1 {
		n.Users = 50
	}
	if n.Duration <= 0 {
		n.Duration = 5 * time.Minute
	}
	if n.Steps < 1 {
		n.Steps = 5
	}
	if n.MaxFailures <= 0 {
		n.MaxFailures = 5
	}
	return n
}

// All returns all shapes by name, for Config.Shapes: Steps, Spike, DoubleWave and
// RampToFailure.
func All(n Numbers) map[string]locustworker.LoadShape {
	return map[string]locustworker.LoadShape{
		"Steps": Steps(n), "Spike": Spike(n), "DoubleWave": DoubleWave(n), "RampToFailure": RampToFailure(n),
	}
}

// Steps climbs in equal steps, each as long as the others.
func Steps(n Numbers) locustworker.LoadShape {
	steps := float64(n.withDefaults().Steps)
	return newShape(n, func(done float64, _ locustworker.ShapeMoment) (float64, bool) {
		return (math.Floor(done*steps) + 1) / steps, true
	})
}

// Spike has a tenth of the users, all of them in the middle fifth of the time, and
// a tenth again.
func Spike(n Numbers) locustworker.LoadShape {
	return newShape(n, func(done float64, _ locustworker.ShapeMoment) (float64, bool) {
		if done >= 0.4 && done < 0.6 {
			return 1, true
		}
		return 0.1, true
	})
}

// DoubleWave has two waves, as of a day with two busy hours: each rises from a tenth
// to all users and falls again.
func DoubleWave(n Numbers) locustworker.LoadShape {
	return newShape(n, func(done float64, _ locustworker.ShapeMoment) (float64, bool) {
		sine := math.Sin(2 * math.Pi * done)
		return 0.1 + 0.9*sine*sine, true
	})
}

// fewestRequests is how many requests of a step RampToFailure judges.
const fewestRequests = 20

// RampToFailure climbs in equal steps until too many requests of the last step have
// failed.
func RampToFailure(n Numbers) locustworker.LoadShape {
	n = n.withDefaults()
	last := -1.0
	var before locustworker.ShapeMoment
	return newShape(n, func(done float64, m locustworker.ShapeMoment) (float64, bool) {
		step := math.Floor(done * float64(n.Steps))
		if step != last {
			last, before = step, m
		}
		requests, failures := m.Requests-before.Requests, m.Failures-before.Failures
		if requests >= fewestRequests && 100*float64(failures) >= float64(requests)*n.MaxFailures {
			return 0, false
		}
		return (step + 1) / float64(n.Steps), true
	})
}

// A shape is a number of users for each moment, as a share of the most.
type shape struct {
	numbers Numbers
	part    func(done float64, m locustworker.ShapeMoment) (share float64, ok bool)
}

func newShape(n Numbers, part func(done float64, m locustworker.ShapeMoment) (float64, bool)) locustworker.LoadShape {
	return &shape{n.withDefaults(), part}
}

// Tick returns the users of this moment, and a spawn rate that reaches them within a
// second.
func (s *shape) Tick(m locustworker.ShapeMoment) (locustworker.ShapeStage, bool) {
	done := m.RunTime.Seconds() / s.numbers.Duration.Seconds()
	if done >= 1 {
		return locustworker.ShapeStage{}, false
	}
	share, ok := s.part(done, m)
	users := math.RoundToEven(float64(s.numbers.Users) * share)
	return locustworker.ShapeStage{Users: int(users), SpawnRate: float64(s.numbers.Users)}, ok
}
