package locustworker

import (
	"testing"
	"time"
)

func TestParseTimespan(t *testing.T) {
	good := map[string]time.Duration{
		"0":         0,
		"20":        20 * time.Second,
		"20s":       20 * time.Second,
		"3m":        3 * time.Minute,
		"2h":        2 * time.Hour,
		"1h20m":     80 * time.Minute,
		"3h30m10s":  3*time.Hour + 30*time.Minute + 10*time.Second,
		"1h5s":      time.Hour + 5*time.Second,
		"100000000": 100_000_000 * time.Second,
	}
	for text, want := range good {
		if got, err := parseTimespan(text); err != nil || got != want {
			t.Errorf("parseTimespan(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "h", "1h20", "1.5s", "-1", "10s5m", "5 s", "s", "99999999999999999999"} {
		if got, err := parseTimespan(text); err == nil {
			t.Errorf("parseTimespan(%q) = %v; want an error", text, got)
		}
	}
}

func FuzzParseTimespan(f *testing.F) {
	for _, seed := range []string{"20", "1h20m", "3h30m10s", "", "9h9h", "1h20"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseTimespan(text)
		if err == nil && (d < 0 || d%time.Second != 0) {
			t.Fatalf("parseTimespan(%q) = %v: not a whole, positive number of seconds", text, d)
		}
	})
}
