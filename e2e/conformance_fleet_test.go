package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// shares returns how many users each worker has, sorted.
func (p page) shares() []int {
	var all []int
	for _, w := range p.Workers {
		all = append(all, int(w.number("user_count")))
	}
	slices.Sort(all)
	return all
}

// awaitShares waits until the users are dealt out like this.
func (l *lab) awaitShares(want ...int) {
	l.t.Helper()
	l.awaitPage(fmt.Sprintf("users dealt out as %v", want), func(p page) error {
		if got := p.shares(); !slices.Equal(got, want) {
			return fmt.Errorf("%v", got)
		}
		return nil
	})
}

// TestConformanceMixedFleet runs two Go workers and a Python worker in one run:
// they share users evenly, their rows and errors are the same rows, and their
// sum is exact. (ER2, section 12)
//
// Conformance: ER2, D1
func TestConformanceMixedFleet(t *testing.T) {
	t.Parallel()
	const users = 6
	l := started(t, plan{classes: []string{"Script"}})
	workers := []kind{goWorker, pythonWorker, goWorker}
	for _, k := range workers {
		l.joinAs(k)
	}
	l.awaitWorkers(len(workers))
	requests, failures := scriptCounts(t)
	l.begin(users, nil)
	l.awaitShares(2, 2, 2)
	p := l.awaitTotal(users * requests)
	if n := p.total("num_failures"); n != users*failures {
		t.Errorf("%d failures; want %d", n, users*failures)
	}
	for _, row := range p.Stats[:len(p.Stats)-1] {
		if n := row.number("num_requests"); int(n)%users != 0 {
			t.Errorf("row %s %q has %v requests of %d users: it is not one row", row["method"], row["name"], n, users)
		}
	}
	for _, e := range p.Errors {
		if n := e.number("occurrences"); int(n)%users != 0 {
			t.Errorf("error %q occurred %v times for %d users: it is not one row", e.text("error"), n, users)
		}
	}
}

// TestConformanceRebalancing lets workers join and leave in the middle of a run:
// users move as between Python workers, and what a leaver has recorded stays.
// (Q8, section 12.1-12.4)
//
// Conformance: Q8, D1, D2, D3, D4
func TestConformanceRebalancing(t *testing.T) {
	t.Parallel()
	p := plan{classes: []string{"Ticker"}, master: []string{"--enable-rebalancing"}}
	python, golang := twins(t, p, func(l *lab) []int {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		first := l.join()
		l.awaitWorkers(1)
		l.begin(12, nil)
		l.awaitShares(12)
		l.join()
		l.awaitShares(6, 6)
		l.joinAs(other(l.kind))
		l.awaitShares(4, 4, 4)
		first.Signal(syscall.SIGTERM)
		code := l.awaitExit(first)
		l.awaitShares(6, 6)
		page := l.awaitUsers("running", 12)
		if page.WorkerCount != 2 && page.WorkerCount != 0 { // older masters do not show it
			l.t.Errorf("%d workers; want 2", page.WorkerCount)
		}
		return []int{code, len(page.Errors)}
	})
	same(t, "a fleet in motion", python, golang)
}

func other(k kind) kind {
	if k == goWorker {
		return pythonWorker
	}
	return goWorker
}

// TestConformanceLastWorkerLeaves ends the only worker in a run, and another
// comes.
//
// Conformance: B7, Q11
func TestConformanceLastWorkerLeaves(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Ticker"}}, func(l *lab) int {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		first := l.join()
		l.awaitWorkers(1)
		l.begin(4, nil)
		l.awaitUsers("running", 4)
		first.Signal(syscall.SIGTERM)
		code := l.awaitExit(first)
		l.awaitUsers("stopped", 0)
		l.join()
		l.awaitWorkers(1)
		l.begin(3, nil)
		l.awaitUsers("running", 3)
		return code
	})
	same(t, "exit codes", python, golang)
}

// A seenByMaster is what the locustfile has collected on the master.
type seenByMaster struct {
	Messages []struct {
		Type string `json:"type"`
		Node string `json:"node"`
		Data any    `json:"data"`
	} `json:"messages"`
	Notes map[string]any `json:"notes"`
}

func (w *webUI) seen() (seenByMaster, error) {
	var s seenByMaster
	err := getJSON(w.url+"/conformance/seen", &s)
	return s, err
}

// payloads are custom messages of every type that JSON can carry to the master.
var payloads = []string{
	`null`, `true`, `"text 日本 'x'"`, `""`, `0`, `-7`, `4294967296`, `1.25`, `[]`, `{}`,
	`[1,[2,[3,null]],{"a":{"b":[true,false]}}]`,
	`{"nothing":null,"list":["x",1,2.5],"map":{"k":"v"}}`,
}

// TestConformanceMessages sends custom messages to a worker, which sends them
// back, to one worker alone and to all; a handler that fails and a type that
// nobody takes leave the worker alive.
//
// Conformance: N7, N8, L17
func TestConformanceMessages(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Talker"}}, func(l *lab) []string {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		worker := l.join()
		l.awaitWorkers(1)
		if l.newest() || l.kind == goWorker { // an older Python worker is deaf after it
			l.web.send("/conformance/send", `{"type":"break","data":null}`)
		}
		l.web.send("/conformance/send", `{"type":"unheard of","data":{"a":1}}`)
		for _, data := range payloads {
			l.web.send("/conformance/send", `{"type":"greet","data":`+data+`}`)
		}
		l.begin(2, nil)
		s := await(l.t, "answers", l.web.seen, func(s seenByMaster) error {
			if n := len(s.Messages); n != len(payloads)+2 {
				return fmt.Errorf("%d messages", n)
			}
			if len(s.Notes) != 1 {
				return fmt.Errorf("notes of %d workers", len(s.Notes))
			}
			return nil
		})
		var all []string
		for _, m := range s.Messages {
			if !clientID.MatchString(m.Node) {
				l.t.Errorf("the message is from %q", m.Node)
			}
			all = append(all, m.Type+" "+readable(l.t, m.Data))
		}
		for _, note := range s.Notes {
			all = append(all, "note "+readable(l.t, note))
		}
		if !strings.Contains(worker.Log(), "unheard of") {
			l.t.Error("the worker's log does not tell of the message that nobody takes")
		}
		l.awaitUsers("running", 2)
		return all
	})
	same(t, "messages", python, golang)
}

// TestConformanceMessageToOne addresses one worker of two.
//
// Conformance: T4, N7
func TestConformanceMessageToOne(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Talker"}}, func(l *lab) int {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		l.awaitWorkers(1)
		l.join()
		l.awaitWorkers(2)
		p, err := l.web.page()
		if err != nil || len(p.Workers) == 0 {
			l.t.Fatal(p.Workers, err)
		}
		id := p.Workers[len(p.Workers)-1].text("id")
		l.web.send("/conformance/send", fmt.Sprintf(`{"type":"greet","data":"you","client":%q}`, id))
		l.web.send("/conformance/send", `{"type":"greet","data":"all"}`)
		s := await(l.t, "three answers", l.web.seen, func(s seenByMaster) error {
			if len(s.Messages) < 3 {
				return errors.New("too few")
			}
			return nil
		})
		ofOne := 0
		for _, m := range s.Messages {
			if strings.Contains(readable(l.t, m.Data), `"you"`) {
				ofOne++
				if m.Node != id {
					l.t.Errorf("the message for %s was answered by %s", id, m.Node)
				}
			}
		}
		return ofOne
	})
	same(t, "answers", python, golang)
}
