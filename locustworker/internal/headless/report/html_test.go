package report

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
	"github.com/bandwing/bandwing/locustworker/internal/headless/threshold"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// aPage is a page with something in each of its parts.
func aPage(t *testing.T) Page {
	t.Helper()
	began := time.Unix(1_700_000_000, 0)
	now := began
	store := stats.New(stats.Config{Now: func() time.Time { return now }})
	table, history := &figures.Table{}, figures.History{}
	table.Add(store.Take())
	for i := range 90 {
		n := 200 + 4*i
		for k := range n {
			s := stats.Sample{Method: "GET", Name: "/api/v1/get_json", ResponseTime: time.Duration(400+(k*k)%(9000+80*i)) * time.Microsecond, Length: 812}
			switch {
			case k%9 == 0:
				s.Method, s.Name = "PUT", "/api/v1/put_json"
			case k%31 == 0:
				s.Failed, s.Error = true, "404 Client Error: Not Found for url: <script>alert(1)</script>"
			}
			store.Record(uint32(k), s)
		}
		now = now.Add(time.Second)
		table.Add(store.Take())
		p := table.Total().CurrentPercentiles(0.5, 0.95, 0.99)
		history.Add(figures.Point{At: now, Users: min(3*i, 100), RPS: float64(n), Failures: float64(n / 35), P50: p[0], P95: p[1], P99: p[2]})
	}
	table.SetExceptions([]figures.Exception{{Count: 4, Message: "runtime error: index out of range [3] with length 3", Traceback: "main.(*shopper).look\n\t/src/shop/main.go:42\n"}})
	var rules []threshold.Threshold
	for _, text := range []string{"p(95) < 200ms", "fail_ratio < 1%", "name:/nowhere: p(99) < 5ms"} {
		rule, err := threshold.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	return Page{
		Title: "shop", Host: "http://127.0.0.1:8080", Note: "Interrupted before the end of the run time.", Table: table, History: history.Points(),
		Thresholds: threshold.Judge(rules, table), Users: map[string]int{"Shopper": 75, "Admin": 25}, Cut: 3,
	}
}

func TestPageIsWholeAndEscaped(t *testing.T) {
	var out strings.Builder
	if err := WriteHTML(&out, aPage(t)); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"/api/v1/put_json", "&lt;script&gt;alert(1)", "runtime error: index out of range", "breached", "no requests", "Interrupted", "Shopper",
		"</html>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, never := range []string{"<script>alert", "src=", "href=", "@import", "NaN", "ZgotmplZ", "%!"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
	if len(text) > 200_000 {
		t.Errorf("the page has %d bytes", len(text))
	}
}

func TestPageOfNothing(t *testing.T) {
	var out strings.Builder
	if err := WriteHTML(&out, Page{Title: "none", Table: &figures.Table{}}); err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"NaN", "Inf", "%!", "Thresholds"} {
		if strings.Contains(out.String(), never) {
			t.Errorf("the page has %q", never)
		}
	}
}

func TestFoldersAreMade(t *testing.T) {
	dir := t.TempDir()
	if err := SaveHTML(dir+"/a/b/page.html", aPage(t)); err != nil {
		t.Error(err)
	}
	if err := SaveJSON(dir+"/c/d/rows", aPage(t).Table); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"/a/b/page.html", "/c/d/rows.json"} {
		if _, err := os.Stat(dir + name); err != nil {
			t.Error(err)
		}
	}
	if err := SaveHTML(dir+"/a/b/page.html/x", Page{}); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file as a folder: %v", err)
	}
}

func TestCeiling(t *testing.T) {
	for x, want := range map[float64]float64{0: 1, 0.03: 0.04, 1: 1, 1.1: 2, 3: 4, 4.5: 5, 7: 8, 9: 10, 950: 1000, 12345: 20000} {
		if got := ceiling(x); got < want*0.9999 || got > want*1.0001 {
			t.Errorf("ceiling(%v) = %v; want %v", x, got, want)
		}
	}
}

func TestLongRunsKeepABoundedHistory(t *testing.T) {
	var h figures.History
	began := time.Unix(1_700_000_000, 0)
	for i := range 10_000 {
		h.Add(figures.Point{At: began.Add(time.Duration(i) * time.Second), RPS: 100, Users: i})
	}
	points := h.Points()
	if len(points) < 500 || len(points) > 1200 {
		t.Errorf("%d points", len(points))
	}
	for i, p := range points {
		if p.RPS != 100 || i > 0 && !p.At.After(points[i-1].At) {
			t.Fatalf("point %d: %+v", i, p)
		}
	}
	if last := points[len(points)-1]; last.Users != 9999 {
		t.Errorf("the last point is of %d users", last.Users)
	}
}
