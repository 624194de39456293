package threshold

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// vectors are what this package and master/thresholds.py both must make of rules.
type vectors struct {
	Valid    []string
	Invalid  [][2]string
	Requests []struct {
		Type, Name string
		MS         *float64
		Times      int
		Failed     bool
	}
	Seconds int
	Judged  []struct {
		Rule, Measured string
		Held, Broken   bool
	}
}

func loadVectors(t testing.TB) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// table returns the requests of the vectors, the last of which came at the end of
// their seconds.
func (v vectors) table() *figures.Table {
	now := time.Unix(1_700_000_000, 0)
	store := stats.New(stats.Config{Now: func() time.Time { return now }})
	now = now.Add(time.Duration(v.Seconds) * time.Second)
	for _, r := range v.Requests {
		for range r.Times {
			s := stats.Sample{Method: r.Type, Name: r.Name, NoTime: r.MS == nil, Failed: r.Failed, Error: "no"}
			if r.MS != nil {
				s.ResponseTime = time.Duration(*r.MS * 1e6)
			}
			store.Record(0, s)
		}
	}
	table := &figures.Table{}
	table.Add(store.Take())
	return table
}

func TestRulesAreRead(t *testing.T) {
	v := loadVectors(t)
	for _, text := range v.Valid {
		rule, err := Parse(text)
		if err != nil {
			t.Error(err)
		} else if rule.String() != strings.TrimSpace(text) {
			t.Errorf("%q is shown as %q", text, rule)
		}
	}
	for _, pair := range v.Invalid {
		if _, err := Parse(pair[0]); err == nil || err.Error() != pair[1] {
			t.Errorf("%q:\n got %v\nwant %s", pair[0], err, pair[1])
		}
	}
}

func TestRulesAreJudged(t *testing.T) {
	v := loadVectors(t)
	table := v.table()
	for _, want := range v.Judged {
		rule, err := Parse(want.Rule)
		if err != nil {
			t.Fatal(err)
		}
		got := rule.Judge(table)
		if got.Measured() != want.Measured || got.Held != want.Held || rule.Broken(table) != want.Broken {
			t.Errorf("%s: %s, held %v, broken %v; want %+v", want.Rule, got.Measured(), got.Held, rule.Broken(table), want)
		}
	}
}

func TestNothingMeasuredIsNoSuccess(t *testing.T) {
	for text, held := range map[string]bool{
		"p(95) < 1s": false, "avg < 1s": false, "fail_ratio < 1%": false, "count > 0": false, "rps > 0": false,
		"fails == 0": true, "dropped == 0": true,
	} {
		rule, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if r := rule.Judge(&figures.Table{}); r.Held != held || rule.Broken(&figures.Table{}) {
			t.Errorf("%s of an empty run: %+v", text, r)
		}
	}
}

func TestWhatIsShown(t *testing.T) {
	table := loadVectors(t).table()
	var rules []Threshold
	for _, text := range []string{"p(95) < 200ms", "name:/nowhere<&: p(99) < 50ms", "fail_ratio < 1%"} {
		rule, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	results := Judge(rules, table)
	if AllHeld(results) || !AllHeld(results[:1]) {
		t.Error("AllHeld")
	}
	var out strings.Builder
	Write(&out, results)
	Annotate(&out, results)
	want := `Thresholds
held      p(95) < 200ms                  70 ms
BREACHED  name:/nowhere<&: p(99) < 50ms  no requests
BREACHED  fail_ratio < 1%                1.905%

::error title=Threshold breached::name:/nowhere<&: p(99) < 50ms: measured no requests
::error title=Threshold breached::fail_ratio < 1%25: measured 1.905%25
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if err := WriteJUnit(&out, results); err != nil {
		t.Fatal(err)
	}
	var read suites
	if err := xml.Unmarshal([]byte(out.String()), &read); err != nil {
		t.Fatal(err)
	}
	if s := read.Suite; s.Tests != 3 || s.Failures != 2 || s.Cases[0].Failure != nil || s.Cases[1].Name != rules[1].String() ||
		s.Cases[1].Failure.Message != "measured no requests" {
		t.Errorf("JUnit: %+v", s)
	}
}

func FuzzParse(f *testing.F) {
	v := loadVectors(f)
	for _, text := range v.Valid {
		f.Add(text)
	}
	for _, pair := range v.Invalid {
		f.Add(pair[0])
	}
	table := v.table()
	f.Fuzz(func(t *testing.T, text string) {
		rule, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(rule.String())
		if err != nil || again != rule {
			t.Errorf("%q is read as %+v, and its own text as %+v, %v", text, rule, again, err)
		}
		if r := rule.Judge(table); r.Measured() == "" || r.Held && rule.Broken(table) {
			t.Errorf("%q: %+v", text, r)
		}
	})
}
