package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

const (
	idle = time.Hour
	tick = 100 * time.Millisecond
)

// samplesFile is what Script plays; the Python twin reads the same file.
//
//go:embed samples.json
var samplesFile []byte

// A part is some equal samples of the script.
type part struct {
	Type   string   `json:"type"`
	Name   string   `json:"name"`
	MS     *float64 `json:"ms"` // null: no response time
	Length int64    `json:"length"`
	Times  int      `json:"times"`
	Error  string   `json:"error"`
}

func (p part) sample() locustworker.Sample {
	s := locustworker.Sample{Type: p.Type, Name: p.Name, Length: p.Length, NoTime: p.MS == nil}
	if p.MS != nil {
		s.ResponseTime = time.Duration(*p.MS * float64(time.Millisecond))
	}
	if p.Error != "" {
		s.Err = errors.New(p.Error)
	}
	return s
}

// A recorder is a user that records samples by itself.
type recorder struct{ *locustworker.User }

func newRecorder(u *locustworker.User) (*recorder, error) { return &recorder{u}, nil }

// row records one sample of 1 ms.
func (r *recorder) row(kind, name string) {
	r.Record(locustworker.Sample{Type: kind, Name: name, ResponseTime: time.Millisecond})
}

// ticking is a task that records one sample under a name.
func ticking(name string) func(*recorder, context.Context) error {
	return func(r *recorder, _ context.Context) error {
		r.row("TICK", name)
		return nil
	}
}

func scriptClass() locustworker.Class {
	return locustworker.NewClass("Script", newRecorder).
		Wait(locustworker.Constant(idle)).
		Task("play", 1, (*recorder).script)
}

func (r *recorder) script(context.Context) error {
	var parts []part
	if err := json.Unmarshal(samplesFile, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		for range p.Times {
			r.Record(p.sample())
		}
	}
	return nil
}

func manyClass() locustworker.Class {
	return locustworker.NewClass("Many", newRecorder).
		Wait(locustworker.Constant(idle)).
		Task("play", 1, (*recorder).many)
}

func (r *recorder) many(context.Context) error {
	for n := range 600 {
		s := locustworker.Sample{
			Type: "GET", Name: fmt.Sprintf("/many/%03d", n),
			ResponseTime: time.Duration(n) * time.Millisecond, Length: int64(n),
		}
		if n%2 != 0 {
			s.Err = fmt.Errorf("error %03d of many", n%300)
		}
		r.Record(s)
	}
	return nil
}

func tickerClass() locustworker.Class {
	return locustworker.NewClass("Ticker", newRecorder).
		Wait(locustworker.Constant(tick)).
		Task("tick", 1, func(r *recorder, _ context.Context) error {
			r.Record(locustworker.Sample{Type: "TICK", Name: "/tick", ResponseTime: 5 * time.Millisecond, Length: 10})
			return nil
		})
}

func heavyClass() locustworker.Class {
	return locustworker.NewClass("Heavy", newRecorder).
		Weight(3).
		Wait(locustworker.Constant(tick)).
		Task("heavy", 2, ticking("/heavy")).
		Task("iron", 1, ticking("/iron"))
}

func lightClass() locustworker.Class {
	return locustworker.NewClass("Light", newRecorder).
		Wait(locustworker.Constant(tick)).
		Task("light", 1, ticking("/light"))
}

func fixedClass() locustworker.Class {
	return locustworker.NewClass("Fixed", newRecorder).
		FixedCount(1).
		Wait(locustworker.Constant(tick)).
		Task("fixed", 1, ticking("/fixed"))
}

func failerClass() locustworker.Class {
	return locustworker.NewClass("Failer", newRecorder).
		Wait(locustworker.Constant(tick)).
		Task("fail", 1, func(r *recorder, _ context.Context) error {
			r.Record(locustworker.Sample{
				Type: "TICK", Name: "/fail", ResponseTime: 5 * time.Millisecond, Length: 10, Err: errors.New("always"),
			})
			return nil
		})
}

func taggedClass() locustworker.Class {
	return locustworker.NewClass("Tagged", newRecorder).
		Wait(locustworker.Constant(tick/2)).
		Task("read", 1, ticking("/read"), "read").
		Task("write", 1, ticking("/write"), "write").
		Task("both", 1, ticking("/both"), "read", "write").
		Task("untagged", 1, ticking("/untagged"))
}
