package headless_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/pythontest"
	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
	"github.com/bandwing/bandwing/locustworker/internal/headless/report"
	"github.com/bandwing/bandwing/locustworker/internal/headless/terminal"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

var began = time.Unix(1_700_000_000, 0)

// shown is what Locust shows of a run.
type shown struct {
	Files       map[string]string
	Current     []string
	Whole       []string
	Percentiles []string
	Errors      []string
	JSON        []map[string]any
}

// aRun is what a generated run records in each second.
func aRun(rng *rand.Rand) [][]stats.Sample {
	names := []string{"/", "/api/v1/get_json", "/a, \"b\"\nc", "/[id]", "ü"}
	texts := []string{"HTTPError('404 Client Error: Not Found')", "CatchResponseError('too slow')", "a\r\n\"b\", c"}
	seconds := make([][]stats.Sample, 1+rng.IntN(25))
	for i := range seconds {
		offsets := make([]int, rng.IntN(40))
		for n := range offsets {
			offsets[n] = rng.IntN(999_000)
		}
		slices.Sort(offsets)
		for _, offset := range offsets {
			s := stats.Sample{
				Method: []string{"GET", "PUT"}[rng.IntN(2)], Name: names[rng.IntN(len(names))],
				At:           began.Add(time.Duration(i)*time.Second + time.Duration(offset)*time.Microsecond),
				ResponseTime: time.Duration(math.Pow(10, 4+rng.Float64()*6)), NoTime: rng.IntN(20) == 0, Length: rng.Int64N(5000),
			}
			if rng.IntN(6) == 0 {
				s.Failed, s.Error = true, texts[rng.IntN(len(texts))]
			}
			seconds[i] = append(seconds[i], s)
		}
	}
	return seconds
}

// asked is a run as peer.py takes it.
func asked(seconds [][]stats.Sample) []any {
	rows := make([]any, len(seconds))
	for i, samples := range seconds {
		batch := []any{}
		for _, s := range samples {
			var ms, text any
			if !s.NoTime {
				ms = float64(s.ResponseTime) / 1e6
			}
			if s.Failed {
				text = s.Error
			}
			batch = append(batch, []any{s.Method, s.Name, float64(s.At.UnixNano()) / 1e9, ms, s.Length, text})
		}
		rows[i] = batch
	}
	return rows
}

// TestFilesAndTablesAreLocusts compares what a run leaves with what Locust leaves
// for the same samples: each field of each file, each line of each table.
func TestFilesAndTablesAreLocusts(t *testing.T) {
	peer := pythontest.Start(t, "testdata/peer.py")
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 9))
		seconds, full, users := aRun(rng), rng.IntN(2) == 0, rng.IntN(50)
		exceptions := []figures.Exception{{Count: 3, Message: "no, \"none\"", Traceback: "  File \"x.py\"\n    line\n"}}
		var want shown
		peer.Call("show", map[string]any{
			"start": float64(began.Unix()), "seconds": asked(seconds), "users": users, "full": full,
			"exceptions": []any{[]any{3, exceptions[0].Message, exceptions[0].Traceback}}, "prefix": filepath.Join(t.TempDir(), "locust"),
		}, &want)

		prefix := filepath.Join(t.TempDir(), "deep", "ours")
		table := play(t, seconds, prefix, full, users, exceptions)
		where := fmt.Sprintf("seed %d", seed)
		for kind, text := range want.Files {
			got, err := os.ReadFile(prefix + "_" + kind + ".csv")
			if err != nil {
				t.Fatal(err)
			}
			compareCSV(t, where+" "+kind, string(got), text, full)
		}
		compareTables(t, where, table, want)
		compareJSON(t, where, table, want.JSON)
		if t.Failed() {
			return
		}
	}
}

// play records the run and writes its files once a second.
func play(t *testing.T, seconds [][]stats.Sample, prefix string, full bool, users int, exceptions []figures.Exception) *figures.Table {
	t.Helper()
	now := began
	store := stats.New(stats.Config{Buckets: stats.Locust, Now: func() time.Time { return now }})
	table := &figures.Table{}
	table.SetExceptions(exceptions)
	files, err := report.CreateCSV(prefix, full)
	if err != nil {
		t.Fatal(err)
	}
	step := func() {
		table.Add(store.Take())
		if err := files.Add(table, users, now); err != nil {
			t.Fatal(err)
		}
	}
	step()
	for i, samples := range seconds {
		for n, s := range samples {
			store.Record(uint32(n), s)
		}
		now = began.Add(time.Duration(i+1) * time.Second)
		step()
	}
	if err := files.Close(table); err != nil {
		t.Fatal(err)
	}
	return table
}

// compareCSV compares field by field. Percentiles of the last ten seconds are
// those of Locust only about.
func compareCSV(t *testing.T, where, got, want string, full bool) {
	t.Helper()
	ours, theirs := records(t, got), records(t, want)
	if len(ours) != len(theirs) {
		t.Errorf("%s: %d lines; want %d", where, len(ours), len(theirs))
		return
	}
	if strings.Count(got, "\r\n") != strings.Count(want, "\r\n") {
		t.Errorf("%s: other ends of lines", where)
	}
	order := func(a, b []string) int { return slices.Compare(a[:3], b[:3]) }
	if strings.HasSuffix(where, "failures") {
		slices.SortFunc(ours[1:], order)
		slices.SortFunc(theirs[1:], order)
	}
	for i, line := range theirs {
		for n, field := range line {
			about := full && strings.HasSuffix(where, "history") && n >= 6 && n < 17 && i > 0
			if !about && !same(ours[i][n], field) {
				t.Errorf("%s: line %d, column %q is %q; want %q", where, i, theirs[0][n], ours[i][n], field)
			}
		}
	}
}

func records(t *testing.T, text string) [][]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// same compares numbers as numbers: Locust adds floats up, of times too.
func same(got, want string) bool {
	a, errA := strconv.ParseFloat(got, 64)
	b, errB := strconv.ParseFloat(want, 64)
	return got == want || errA == nil && errB == nil && math.Abs(a-b) <= 1e-6+1e-6*math.Abs(b)
}

func compareTables(t *testing.T, where string, table *figures.Table, want shown) {
	t.Helper()
	show := func(write func(out *strings.Builder)) []string {
		var out strings.Builder
		write(&out)
		return strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	}
	for name, lines := range map[string][2][]string{
		"current":     {show(func(out *strings.Builder) { terminal.Requests(out, table, true) }), want.Current},
		"whole":       {show(func(out *strings.Builder) { terminal.Requests(out, table, false) }), want.Whole},
		"percentiles": {show(func(out *strings.Builder) { terminal.Percentiles(out, table) }), want.Percentiles},
	} {
		if got, want := strings.Join(lines[0], "\n"), strings.Join(lines[1], "\n"); got != want {
			t.Errorf("%s: table %s\n%s\nwant\n%s", where, name, got, want)
		}
	}
	errors := show(func(out *strings.Builder) { terminal.Errors(out, table) })
	theirs := strings.Split(strings.TrimRight(strings.Join(want.Errors, "\n"), "\n"), "\n")
	slices.Sort(errors)
	slices.Sort(theirs) // Locust's are in the order of their first occurrence
	if !slices.Equal(errors, theirs) {
		t.Errorf("%s: errors\n%s\nwant\n%s", where, strings.Join(errors, "\n"), strings.Join(theirs, "\n"))
	}
}

func compareJSON(t *testing.T, where string, table *figures.Table, want []map[string]any) {
	t.Helper()
	var out strings.Builder
	if err := report.WriteJSON(&out, table); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	key := func(row map[string]any) string { return fmt.Sprint(row["name"], row["method"]) }
	slices.SortFunc(want, func(a, b map[string]any) int { return strings.Compare(key(a), key(b)) })
	slices.SortFunc(got, func(a, b map[string]any) int { return strings.Compare(key(a), key(b)) })
	if len(got) != len(want) {
		t.Fatalf("%s: %d rows of JSON; want %d", where, len(got), len(want))
	}
	for i, row := range want {
		if a, b := slices.Sorted(maps.Keys(got[i])), slices.Sorted(maps.Keys(row)); !slices.Equal(a, b) {
			t.Fatalf("%s: keys %v; want %v", where, a, b)
		}
		for name, value := range row {
			if name == "start_time" {
				continue // Locust's is that of the row's first request; ours is that of the run
			}
			if a, b := fmt.Sprint(got[i][name]), fmt.Sprint(value); !same(a, b) {
				t.Errorf("%s: %s of row %d is %s; want %s", where, name, i, a, b)
			}
		}
	}
}
