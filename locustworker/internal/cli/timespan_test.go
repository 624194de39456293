package cli

import (
	"math/rand/v2"
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

// Conformance: C8
func TestTimespansAreLocusts(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 30))
	texts := []string{"", "0", "007", "20", "1h20m", "1h1h", "1m1h", "1.5s", " 1s", "1s ", "+1", "-1", "1d", "h", "m20", "20m5", "1H"}
	for range 1000 {
		text := ""
		for range random.IntN(6) {
			text += []string{"1", "23", "0", "h", "m", "s", "5m", "9s", "2h", " ", "x"}[random.IntN(11)]
		}
		texts = append(texts, text)
	}
	var want []*int
	locust(t, "timespan", texts, &want)
	for i, seconds := range want {
		got, err := parseTimespan(texts[i])
		if (seconds == nil) != (err != nil) || seconds != nil && got != time.Duration(*seconds)*time.Second {
			t.Errorf("%q: %v, %v; Locust says %v", texts[i], got, err, seconds)
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
