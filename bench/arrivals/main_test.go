package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestSpreadOf(t *testing.T) {
	start := time.Now()
	var at []time.Time
	for i := range 101 {
		at = append(at, start.Add(time.Duration(i)*10*time.Millisecond))
	}
	at[50], at[0] = at[0], at[50] // in any order
	s := spreadOf(at)
	if s.Count != 101 || s.Rate < 99.999 || s.Rate > 100.001 || s.P1 != 10*time.Millisecond || s.P999 != 10*time.Millisecond {
		t.Errorf("%+v", s)
	}
	if s := spreadOf(at[:1]); s.Count != 1 || s.Rate != 0 {
		t.Errorf("%+v", s)
	}
}

// TestAnalytic compares the formula with what requests wait that come each
// millisecond.
func TestAnalytic(t *testing.T) {
	const length = 20 * time.Second
	var all []time.Duration
	for at := time.Duration(0); at < length; at += time.Millisecond {
		wait := time.Duration(0)
		if since := at - 9*time.Second; since >= 0 && since < hangLength {
			wait = hangLength - since
		}
		all = append(all, wait)
	}
	for _, share := range percentiles {
		if got, want := quantile(all, share), analytic(share, length); (got - want).Abs() > 2*time.Millisecond {
			t.Errorf("p%g: %v, want %v", 100*share, got, want)
		}
	}
}

func TestThePlotIsXML(t *testing.T) {
	d := xml.NewDecoder(strings.NewReader(svg([]row{{name: "a", color: "#000", result: &result{times: []time.Duration{1, 2}}}}, 20*time.Second)))
	for {
		switch _, err := d.Token(); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			t.Fatal(err)
		}
	}
}
