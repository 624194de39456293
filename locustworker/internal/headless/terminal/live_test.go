package terminal

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// aTable has so many rows, of which every second one has failures.
func aTable(rows int) *figures.Table {
	now := time.Unix(1_700_000_000, 0)
	store := stats.New(stats.Config{Now: func() time.Time { return now }})
	table := &figures.Table{}
	table.Add(store.Take())
	for second := range 20 {
		for i := range rows {
			for n := range i + 1 {
				s := stats.Sample{Method: "GET", Name: fmt.Sprintf("/api/v1/a_rather_long_name_of_a_row/%d", i), ResponseTime: time.Duration(n+1) * time.Millisecond}
				if i%2 == 1 && n == 0 {
					s.Failed, s.Error = true, fmt.Sprintf("text %d\nwith\x1b[31m two lines", second)
				}
				store.Record(0, s)
			}
		}
		now = now.Add(time.Second)
		table.Add(store.Take())
	}
	return table
}

// TestEverythingFits: no line is wider than the terminal, and the view is not
// higher, whatever their sizes are.
func TestEverythingFits(t *testing.T) {
	for _, rows := range []int{0, 1, 5, 60} {
		s := Status{
			Program: "shop", Host: "http://127.0.0.1:8080", Elapsed: 90 * time.Second, RunTime: 2 * time.Minute, Users: 20,
			ByClass: map[string]int{"Shopper": 15, "Admin": 5}, Table: aTable(rows),
		}
		for _, columns := range []int{1, 20, 40, 60, 80, 100, 140, 174} {
			for _, lines := range []int{19, 24, 50} {
				s.Keys = lines != 50
				view := Live(s, columns, lines)
				if len(view) > lines-1 {
					t.Errorf("%d rows on %d×%d: %d lines", rows, columns, lines, len(view))
				}
				checkLines(t, view, columns)
			}
			var out strings.Builder
			Summary(&out, s.Table, columns)
			for _, line := range strings.Split(out.String(), "\n") {
				if columns >= 40 {
					checkLines(t, []string{line}, columns)
				}
			}
		}
	}
}

func checkLines(t *testing.T, lines []string, columns int) {
	t.Helper()
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > columns || strings.ContainsAny(line, "\x1b\n\r\t") {
			t.Errorf("on %d columns: %q", columns, line)
		}
	}
}

func TestLiveAt80Columns(t *testing.T) {
	view := Live(Status{
		Program: "shop", Host: "http://127.0.0.1:8080", Elapsed: 90 * time.Second, RunTime: 2 * time.Minute, Users: 20,
		ByClass: map[string]int{"Shopper": 15, "Admin": 5}, Table: aTable(4),
	}, 80, 24)
	want := `
shop  http://127.0.0.1:8080  1:30/2:00 [###############.....] 75%
Users 20: Admin 5, Shopper 15
Requests/s 10.0  Failures/s 2.0  p50 2.00  p95 4.00  p99 4.00 ms

Name                             # reqs   fails     p95    req/s     p50     p99
GET /api/v1/a_rather_long_na…        20    0.0%    1.00      1.0    1.00    1.00
GET /api/v1/a_rather_long_na…        40   50.0%    2.00      2.0    2.00    2.00
GET /api/v1/a_rather_long_na…        60    0.0%    3.00      3.0    2.00    3.00
GET /api/v1/a_rather_long_na…        80   25.0%    4.00      4.0    3.00    4.00
Aggregated                          200   20.0%    4.00     10.0    2.00    4.00

Newest failures
      1× GET /api/v1/a_rather_long_name_of_a_row/1: text 19 with [31m two lines
      1× GET /api/v1/a_rather_long_name_of_a_row/3: text 19 with [31m two lines
      1× GET /api/v1/a_rather_long_name_of_a_row/1: text 18 with [31m two lines`
	if got := strings.Join(view, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAScreenThatIsNoTerminal(t *testing.T) {
	var out strings.Builder
	s := NewScreen(&out, "xterm")
	s.Draw([]string{"never"})
	fmt.Fprint(s, "one\n")
	s.Draw(nil)
	if _, _, ok := s.Size(); ok || out.String() != "one\n" {
		t.Errorf("written %q, a terminal: %v", out.String(), ok)
	}
}
