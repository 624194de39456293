package stats

// Split returns the report in parts of at most limit bytes each, as the two
// functions count them for a row; a part has one entry at least. Merged, the parts
// are the report again. Errors are in the part of their entry, which is what makes
// the sums of each part agree. The parts share the report's maps. It takes linear
// time.
func (r Report) Split(limit int, entrySize func(*Entry) int, errorSize func(*ErrorEntry) int) []Report {
	var parts []Report
	entries, failures := r.Entries, r.Errors
	for {
		n, m, size := 0, 0, 0
		for n < len(entries) {
			e := &entries[n]
			size += entrySize(e)
			last := m
			for last < len(failures) && ofEntry(&failures[last], e) {
				size += errorSize(&failures[last])
				last++
			}
			if n > 0 && size > limit {
				break
			}
			n, m = n+1, last
		}
		if n == len(entries) {
			m = len(failures) // those that come after the last entry
		}
		if len(parts) == 0 && n == len(entries) {
			return []Report{r}
		}
		parts = append(parts, r.part(entries[:n], failures[:m]))
		if entries, failures = entries[n:], failures[m:]; len(entries) == 0 {
			return parts
		}
	}
}

// ofEntry reports whether an error belongs to an entry, or to none and stands before
// it.
func ofEntry(f *ErrorEntry, e *Entry) bool {
	return f.Name < e.Name || f.Name == e.Name && f.Method <= e.Method
}

// part returns a report of some rows of r.
func (r Report) part(entries []Entry, failures []ErrorEntry) Report {
	p := Report{Start: r.Start, End: r.End, Entries: entries, Errors: failures, maxErrors: r.maxErrors}
	p.Total = Entry{Name: AggregatedName, Start: r.Total.Start}
	for i := range entries {
		p.Total.merge(&entries[i])
	}
	return p
}
