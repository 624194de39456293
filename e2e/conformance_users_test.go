package e2e

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestConformanceTasks compares /tasks of classes with weights and sets in sets,
// for two numbers of users, and the report's final ratio.
//
// Conformance: SP7, L6, L16, U7
func TestConformanceTasks(t *testing.T) {
	t.Parallel()
	type ratios struct{ Few, Many, Final any }
	python, golang := twins(t, plan{classes: []string{"Nested", "Heavy", "Light", "Fixed"}}, func(l *lab) ratios {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		l.awaitWorkers(1)
		read := func(users int) any {
			l.begin(users, nil)
			l.awaitUsers("running", users)
			var tasks any
			if err := getJSON(l.web.url+"/tasks", &tasks); err != nil {
				l.t.Fatal(err)
			}
			return tasks
		}
		r := ratios{Few: read(2), Many: read(11)}
		l.awaitPage("all tasks", func(p page) error {
			want := []string{"/bud", "/fixed", "/heavy", "/iron", "/leaf", "/light", "/root"}
			if got := p.names(); !slices.Equal(got, want) {
				return fmt.Errorf("rows %v", got)
			}
			return nil
		})
		l.stop()
		report, err := l.web.reportPage()
		if err != nil {
			l.t.Fatal(err)
		}
		r.Final = report.Tasks
		return r
	})
	same(t, "/tasks", python, golang)
	if text := readable(t, python.Many); !strings.Contains(text, "Twig") || !strings.Contains(text, "Fixed") {
		t.Errorf("/tasks of all classes:\n%s", text)
	}
}

// TestConformanceSteps compares the order in which on_start, on_stop, sequential
// and nested tasks and the end of a user come.
//
// Conformance: L1, L4, L6, L7
func TestConformanceSteps(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Steps"}}, func(l *lab) []string {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		l.awaitWorkers(1)
		l.begin(1, nil)
		p := l.awaitPage("the user's end", func(p page) error {
			if names := p.names(); p.UserCount != 0 || len(names) == 0 || !strings.HasSuffix(names[len(names)-1], "user stops") {
				return fmt.Errorf("%d users, steps %v", p.UserCount, names)
			}
			return nil
		})
		return p.names()
	})
	same(t, "steps", python, golang)
}

// TestConformanceWorkers compares what is shown of a worker itself: states, user
// counts, CPU and memory.
//
// Conformance: T7, B1, B2, B3, B4, U3, U4, U8
func TestConformanceWorkers(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Ticker"}}, func(l *lab) []string {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		l.awaitWorkers(1)
		states := []string{workerState(l, "ready", 0)}
		l.begin(4, url.Values{"spawn_rate": {"2"}})
		states = append(states, workerState(l, "running", 4))
		l.awaitPage("memory and CPU of the worker", func(p page) error {
			if memory := p.Workers[0].number("memory_usage"); memory < 5e6 || memory > 5e9 {
				return fmt.Errorf("memory is %v bytes", memory)
			}
			if cpu := p.Workers[0].number("cpu_usage"); cpu < 0 || cpu > 100 {
				l.t.Errorf("CPU is %v %%", cpu)
			}
			return nil
		})
		l.stop()
		return append(states, workerState(l, "ready", 0))
	})
	same(t, "workers", python, golang)
}

var clientID = regexp.MustCompile(`^[^_]+_[0-9a-f]{32}$`)

// workerState waits until the only worker has the state and the users, and
// returns what is shown of it.
func workerState(l *lab, state string, users int) string {
	l.t.Helper()
	p := l.awaitPage(fmt.Sprintf("a worker %s with %d users", state, users), func(p page) error {
		if len(p.Workers) != 1 {
			return fmt.Errorf("%d workers", len(p.Workers))
		}
		if w := p.Workers[0]; w.text("state") != state || int(w.number("user_count")) < users {
			return fmt.Errorf("%s with %v users", w.text("state"), w["user_count"])
		}
		return nil
	})
	w := p.Workers[0]
	if !clientID.MatchString(w.text("id")) {
		l.t.Errorf("the worker's id is %q", w.text("id"))
	}
	return fmt.Sprintf("%s %v", strings.Join(keys(w), ","), w["state"])
}

// TestConformanceRamp watches the number of users while it ramps up and
// down. (SP4, SP6, SP7, SP17; section 12.6)
//
// Conformance: SP4, SP6, SP7, SP17, U4, D6
func TestConformanceRamp(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Ticker"}}, func(l *lab) []string {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		l.join()
		l.awaitWorkers(2)
		up := climb(l, 0, 12)
		down := climb(l, 12, 3)
		return []string{up, down}
	})
	same(t, "ramps", python, golang)
}

// climb changes the users at 4 a second and checks that their number moves only
// towards the goal, and takes as long as it should.
func climb(l *lab, from, to int) string {
	l.t.Helper()
	begun := time.Now()
	l.begin(to, url.Values{"spawn_rate": {"4"}})
	last := from
	l.awaitPage(fmt.Sprintf("%d users", to), func(p page) error {
		if (to > from && p.UserCount < last) || (to < from && p.UserCount > last) {
			l.t.Errorf("%d users after %d on the way from %d to %d", p.UserCount, last, from, to)
		}
		last = p.UserCount
		if p.State != "running" || p.UserCount != to {
			return fmt.Errorf("%s with %d users", p.State, p.UserCount)
		}
		return nil
	})
	least := time.Duration(max(to-from, from-to)/4-1) * time.Second
	if took := time.Since(begun); took < least {
		l.t.Errorf("from %d to %d users in %v; 4 a second take at least %v", from, to, took, least)
	}
	p, err := l.web.page()
	if err != nil {
		l.t.Fatal(err)
	}
	var shares []string
	for _, w := range p.Workers {
		shares = append(shares, fmt.Sprint(w["user_count"]))
	}
	slices.Sort(shares)
	return fmt.Sprintf("%d: %s", to, strings.Join(shares, "+"))
}

// TestConformanceShape lets a load shape of the master's lead the run: numbers of
// users, a choice of classes, the end. (section 12.5)
//
// Conformance: D5
func TestConformanceShape(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{file: "shape.py"}, func(l *lab) []string {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join("Heavy", "Light")
		l.awaitWorkers(1)
		l.press("/swarm")
		var seen []string
		for _, users := range []int{2, 6, 3} {
			l.awaitUsers("running", users)
			var tasks struct {
				PerClass map[string]map[string]any `json:"per_class"`
			}
			if err := getJSON(l.web.url+"/tasks", &tasks); err != nil {
				l.t.Fatal(err)
			}
			seen = append(seen, fmt.Sprintf("%d: Light %v", users, tasks.PerClass["Light"]["ratio"]))
		}
		l.awaitUsers("stopped", 0)
		l.awaitWorkers(1)
		return seen
	})
	same(t, "stages", python, golang)
	if len(golang) != 3 || golang[0] != "2: Light 0.5" {
		t.Errorf("stages %q; the first should be half of each class", golang)
	}
}
