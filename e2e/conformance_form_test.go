package e2e

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestConformanceArguments edits custom arguments in the form of the web UI: the
// users see them, with their types, after the master's own line of arguments;
// the host is sticky.
//
// Conformance: SP1, SP12, SP15
func TestConformanceArguments(t *testing.T) {
	t.Parallel()
	p := plan{classes: []string{"Arguments"}, master: []string{"--word", "of the master", "--number", "41"}}
	python, golang := twins(t, p, func(l *lab) [][]string {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		forms := []url.Values{
			{"host": {"http://first.example"}},
			{
				"host": {"http://second.example/base"}, "word": {"von Hand: é=1"}, "number": {"-5"}, "factor": {"0.125"},
				"flag": {"true"}, "items": {"x,y,z"}, "counts": {"3,4,5"}, "shops": {"north,south"},
			},
			{"host": {""}, "word": {""}, "items": {"one"}, "flag": {"false"}, "counts": {"9"}, "shops": {"east"}},
		}
		var all [][]string
		for _, form := range forms {
			l.awaitWorkers(1)
			l.begin(1, form)
			p := l.awaitPage("rows of the arguments", func(p page) error {
				if p.State != "running" || len(p.names()) != 2 {
					return fmt.Errorf("%s, rows %q", p.State, p.names())
				}
				return nil
			})
			all = append(all, p.names())
			l.stop()
			l.awaitUsers("stopped", 0)
		}
		return all
	})
	same(t, "arguments", python, golang)
	if want := "word=of the master number=42 factor=3.00 flag=false items=a+b counts=3 shops= stock={\"a\":[1,{\"b\":null}]} hidden=not in the UI"; python[0][1] != want {
		t.Errorf("the first run saw %q; want %q", python[0][1], want)
	}
}

// TestConformanceClassPicker chooses user classes in the form, one, two and then
// others.
//
// Conformance: SP4, L16
func TestConformanceClassPicker(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{master: []string{"--class-picker"}}, func(l *lab) [][]string {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		var all [][]string
		for _, pick := range []struct{ classes, rows []string }{
			{[]string{"Light"}, []string{"/light"}},
			{[]string{"Heavy", "Light"}, []string{"/heavy", "/iron", "/light"}},
			{[]string{"Fixed", "Ticker"}, []string{"/fixed", "/tick"}},
		} {
			l.awaitWorkers(1)
			l.begin(8, url.Values{"user_classes": pick.classes})
			p := l.awaitPage("rows of the chosen classes", func(p page) error {
				if got := p.names(); !slices.Equal(got, pick.rows) || p.UserCount != 8 {
					return fmt.Errorf("%d users, rows %v", p.UserCount, got)
				}
				return nil
			})
			var tasks struct {
				PerClass map[string]struct {
					Ratio float64 `json:"ratio"`
				} `json:"per_class"`
			}
			if err := getJSON(l.web.url+"/tasks", &tasks); err != nil {
				l.t.Fatal(err)
			}
			all = append(all, append(p.names(), readable(l.t, tasks)))
			l.stop()
			l.awaitUsers("stopped", 0)
		}
		return all
	})
	same(t, "chosen classes", python, golang)
	if !strings.Contains(python[1][3], "0.75") {
		t.Errorf("Heavy's share is not 3 of 4:\n%s", python[1][3])
	}
}

// TestConformanceUserEdit edits a class by POST /user while it runs: users keep
// to the tasks named.
//
// Conformance: N9
func TestConformanceUserEdit(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Heavy", "Arguments"}}, func(l *lab) [][]string {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		l.awaitWorkers(1)
		l.web.send("/user", `{"user_class_name":"Heavy","tasks":["iron"]}`)
		l.begin(4, url.Values{"host": {"http://h.example"}})
		first := l.awaitPage("rows", func(p page) error {
			if p.count("/iron") < 10 || p.count("host=http://h.example") == 0 {
				return fmt.Errorf("rows %v", p.names())
			}
			return nil
		})
		l.web.send("/user", `{"user_class_name":"Heavy","tasks":["heavy"]}`)
		second := l.awaitPage("the other task's row", func(p page) error {
			if p.count("/heavy") == 0 {
				return fmt.Errorf("rows %v", p.names())
			}
			return nil
		})
		return [][]string{first.names(), second.names()}
	})
	same(t, "rows after edits", python, golang)
}

// TestConformanceTags filters tasks by the master's tags, which win over the
// worker's.
//
// Conformance: SP15, N10
func TestConformanceTags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		master, worker []string
		rows           []string
	}{
		{"tags", []string{"--tags", "read"}, nil, []string{"/both", "/read"}},
		{"excluded", []string{"--exclude-tags", "write"}, nil, []string{"/read", "/untagged"}},
		{"both", []string{"--tags", "read", "--exclude-tags", "write"}, []string{"--tags", "write"}, []string{"/read"}},
		{"of the worker", nil, []string{"--tags", "write"}, []string{"/both", "/read", "/untagged", "/write"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			python, golang := twins(t, plan{}, func(l *lab) []string {
				classes := []string{"--loglevel", "INFO", "Tagged"} // an option ends the list of tags
				l.runMaster(l.web.url, append(tt.master, classes...)...)
				l.awaitHTTP(l.web.url + "/")
				l.join(append(tt.worker, classes...)...)
				l.awaitWorkers(1)
				l.begin(4, nil)
				p := l.awaitPage("100 requests", func(p page) error {
					if n := p.total("num_requests"); n < 100 {
						return fmt.Errorf("%d requests", n)
					}
					return nil
				})
				return p.names()
			})
			same(t, "rows", python, golang)
			same(t, "rows of the plan and", tt.rows, golang)
		})
	}
}

// TestConformanceEdit changes users and their rate while the run goes on: nothing
// starts anew.
//
// Conformance: SP4, SP14, SP17
func TestConformanceEdit(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Script", "Fixed"}}, func(l *lab) []int {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		l.join()
		l.awaitWorkers(2)
		for _, step := range []struct{ users, played int }{{3, 2}, {7, 6}, {7, 6}, {5, 6}, {9, 10}} { // one is of class Fixed
			l.begin(step.users, nil)
			l.awaitUsers("running", step.users)
			l.awaitPage("the users of Script to have played", func(p page) error {
				if n := p.count("/lower case"); n != step.played {
					return fmt.Errorf("%d; want %d", n, step.played)
				}
				return nil
			})
		}
		p, err := l.web.page()
		if err != nil {
			l.t.Fatal(err)
		}
		return p.shares()
	})
	same(t, "shares", python, golang)
}
