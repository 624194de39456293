package main

import (
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

func TestChoose(t *testing.T) {
	all := plans()
	if got, err := choose(all, "3,1"); err != nil || !slices.Equal(got, []plan{all[2], all[0]}) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := choose(all, ""); err != nil || len(got) != len(all) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"0", "9", "x", "1,,2"} {
		if _, err := choose(all, text); err == nil {
			t.Errorf("%q is no row", text)
		}
	}
}

func TestPlansOf(t *testing.T) {
	got, err := plansOf("50,1.5s,10,1024")
	if want := (plan{50, 1500 * time.Millisecond, 10, 1024}); err != nil || !slices.Equal(got, []plan{want}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"1", "0,1s,1,1", "1,-1s,1,1", "1,1s,0,1", "1,x,1,1"} {
		if _, err := plansOf(text); err == nil {
			t.Errorf("%q is no plan", text)
		}
	}
}

func TestMomentsAreEven(t *testing.T) {
	const users, d = 1000, time.Hour
	var moments []time.Duration
	now := time.Duration(time.Now().UnixNano())
	for id := range int64(users) {
		wait := untilPhase(id, d)
		if wait < 0 || wait > d {
			t.Fatalf("user %d waits %v", id, wait)
		}
		moments = append(moments, (now+wait)%d)
	}
	slices.Sort(moments)
	for i := 1; i < len(moments); i++ {
		if gap := moments[i] - moments[i-1]; gap > 3*d/users {
			t.Errorf("nobody for %v", gap)
		}
	}
	if untilPhase(1, 0) != 0 {
		t.Error("without an interval there is no wait")
	}
}

func TestP99(t *testing.T) {
	bounds := []time.Duration{1, 2, 4}
	before := locustworker.Histogram{Bounds: bounds, Counts: []int64{100, 0, 0, 0}, Count: 100}
	for want, counts := range map[string][]int64{
		"<= 1ns": {200, 1, 0, 0}, "<= 2ns": {100, 90, 0, 0}, "<= 4ns": {190, 0, 10, 0}, "> 4ns": {100, 0, 0, 2},
	} {
		after := locustworker.Histogram{Bounds: bounds, Counts: counts}
		for _, n := range counts {
			after.Count += n
		}
		if got := p99(before, after); got != want {
			t.Errorf("%v: %s, want %s", counts, got, want)
		}
	}
}

// TestTarget: it answers with bodies of the size asked for, and counts them.
func TestTarget(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	go func() { _ = serveTarget([]string{address}) }() // ends with the tests
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string) int64 {
		for range 100 {
			if r, err := client.Get("http://" + address + path); err == nil {
				_ = r.Body.Close()
				return r.ContentLength
			}
			time.Sleep(10 * time.Millisecond) // until it listens
		}
		t.Fatal("no answer")
		return 0
	}
	if n := get("/1024"); n != 1024 {
		t.Errorf("a body of %d bytes", n)
	}
	if n := get("/count"); n != 1 {
		t.Errorf("a count of %d digits", n)
	}
}
