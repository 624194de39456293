package main

import (
	"strings"
	"testing"
	"time"
)

func TestResult(t *testing.T) {
	r := result{workers: 100, lost: 2, cpu: time.Second, window: 10 * time.Second, ui: 1500 * time.Microsecond, recorded: 7, table: 7}
	if got, want := strings.Fields(r.String()), []string{"100", "10%", "3.00", "2ms", "2", "equal"}; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%q, want %q", got, want)
	}
	r.table = 6
	if got := r.String(); !strings.HasSuffix(got, "6 of 7 samples") {
		t.Errorf("%q does not tell that a sample is missing", got)
	}
}
