package mastertest

import "maps"

// Row names a row of the statistics.
type Row struct{ Method, Name string }

// Count is what a row counts.
type Count struct{ Requests, Failures int64 }

// Totals is what a master shows for a test run.
type Totals struct {
	// Rows are the sums of the reports' entries.
	Rows map[Row]Count
	// All is the sum of the reports' totals, which a master adds up on its own.
	All Count
	// Errors counts by row and text.
	Errors map[Row]map[string]int64
}

func newTotals() Totals {
	return Totals{Rows: map[Row]Count{}, Errors: map[Row]map[string]int64{}}
}

func (t *Totals) add(r Report) {
	for _, e := range r.Entries {
		t.Rows[Row{e.Method, e.Name}] = t.Rows[Row{e.Method, e.Name}].plus(e)
	}
	t.All = t.All.plus(r.Total)
	for _, f := range r.Errors {
		row := Row{f.Method, f.Name}
		if t.Errors[row] == nil {
			t.Errors[row] = map[string]int64{}
		}
		t.Errors[row][f.Error] += f.Occurrences
	}
}

func (c Count) plus(e Entry) Count {
	return Count{Requests: c.Requests + e.Requests, Failures: c.Failures + e.Failures}
}

// Totals returns the sums of all reports of the current test run, as the real
// master adds them up: those of workers that it does not know, too. A run begins
// with the first Spawn after the start, a Stop or a Reopen.
func (m *Master) Totals() Totals {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := Totals{Rows: maps.Clone(m.life.totals.Rows), All: m.life.totals.All, Errors: map[Row]map[string]int64{}}
	for row, texts := range m.life.totals.Errors {
		t.Errors[row] = maps.Clone(texts)
	}
	return t
}
