package stats

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func ms(x float64) time.Duration { return time.Duration(math.Round(x * 1e6)) }

// TestLocustKeys has the vectors of the conformance list (X1).
func TestLocustKeys(t *testing.T) {
	for x, want := range map[float64]int64{
		0: 0, 0.5: 0, 0.500001: 1, 1.5: 2, 2.5: 2, 99.4: 99, 99.5: 100, 99.999999: 100,
		100: 100, 104.999999: 100, 105: 100, 105.000001: 110, 145: 140, 147: 150, 155: 160, 995: 1000, 999.999999: 1000,
		1000: 1000, 1050: 1000, 1250: 1200, 3432: 3400, 9950: 10000, 9999.999999: 10000,
		10000: 10000, 10500: 10000, 11500: 12000, 58760: 59000, 123456: 123000,
		-0.5: 0, -1.5: -2, -7.5: -8, -250.4: -250,
	} {
		if got := Locust.Key(ms(x)); got != want*1000 {
			t.Errorf("Locust.Key(%v ms) = %d µs, want %d", x, got, want*1000)
		}
	}
}

func TestFineKeys(t *testing.T) {
	for x, want := range map[float64]int64{
		-7.5: 0, -0.000001: 0, 0: 0, 0.0005: 0, 0.0015: 2, 0.0996: 100,
		0.1: 100, 0.1234: 123, 0.1999: 200, 0.2011: 202, 0.4995: 500, 0.5024: 500, 0.5026: 505, 0.9974: 995, 0.9976: 1000,
		1: 1000, 1.005: 1000, 1.015: 1020, 1.234: 1230, 2.01: 2000, 2.03: 2040, 3: 3000, 4.999: 5000, 5.025: 5000, 5.075: 5100,
		10: 10000, 12.34: 12300, 33.33: 33400, 49.95: 50000, 77.7: 77500, 99.74: 99500, 99.75: 100000, 99.999999: 100000,
		100: 100000, 105: 100000, 155: 160000, 1250: 1200000, 123456: 123000000,
	} {
		if got := Fine.Key(ms(x)); got != want {
			t.Errorf("Fine.Key(%v ms) = %d µs, want %d", x, got, want)
		}
	}
}

// TestFineKeysBelow100ms tries every 50 ns: keys never fall, are never further
// from the time than Locust's, within half a percent or half a microsecond, and
// as many as promised.
//
// Conformance: X1
func TestFineKeysBelow100ms(t *testing.T) {
	keys := 0
	last := int64(-1)
	for d := time.Duration(0); d < 100*milli; d += 50 {
		key := Fine.Key(d)
		if key < last {
			t.Fatalf("Fine.Key(%v) = %d after %d", d, key, last)
		}
		if key > last {
			keys++
			last = key
		}
		off := (time.Duration(key)*micro - d).Abs()
		if off > (time.Duration(Locust.Key(d))*micro-d).Abs() || off > max(500, d/200) {
			t.Fatalf("Fine.Key(%v) = %d µs is off by %v", d, key, off)
		}
		if back := Fine.Key(time.Duration(key) * micro); back != key {
			t.Fatalf("Fine.Key of its own key %d is %d", key, back)
		}
	}
	if keys != 1151 {
		t.Errorf("%d keys from 0 to 100 ms, want 1151", keys)
	}
}

func TestKeyOfExtremes(t *testing.T) {
	for _, b := range []Buckets{Fine, Locust, Buckets(-1), Buckets(7)} {
		if got, want := b.Key(math.MaxInt64), int64(9223372037_000_000); got != want {
			t.Errorf("Buckets(%d).Key(max) = %d, want %d", b, got, want)
		}
		if got := b.Key(math.MinInt64); got > 0 {
			t.Errorf("Buckets(%d).Key(min) = %d, want no positive key", b, got)
		}
	}
	if got := Buckets(7).Key(1234567); got != Fine.Key(1234567) {
		t.Errorf("an unknown value gives %d, want Fine's %d", got, Fine.Key(1234567))
	}
}

// TestLocustKeysAreLocusts sweeps 400,000 times through Locust's own function,
// so that all borders between buckets are hit, then random ones.
//
// Conformance: X1
func TestLocustKeysAreLocusts(t *testing.T) {
	p := startPeer(t)
	tried := 0
	for _, sweep := range [][3]int64{
		{-20e6, 0, 500},
		{0, 120e6, 500},
		{90e6, 1200e6, 25_000},
		{900e6, 12e9, 250_000},
		{9e9, 130e9, 2_500_000},
	} {
		var runs [][2]int64 // key in ms, number of times that have it
		p.Call("sweep", map[string]any{"first": sweep[0], "last": sweep[1], "step": sweep[2]}, &runs)
		d := sweep[0]
		for _, run := range runs {
			for range run[1] {
				if got := Locust.Key(time.Duration(d)); got != run[0]*1000 {
					t.Fatalf("Locust.Key(%d ns) = %d µs, Locust says %d ms", d, got, run[0])
				}
				d += sweep[2]
				tried++
			}
		}
	}
	if tried < 400_000 {
		t.Errorf("only %d times tried", tried)
	}

	rng := rand.New(rand.NewPCG(4, 4))
	times := make([]int64, 20_000)
	for i := range times {
		times[i] = int64(math.Pow(2, rng.Float64()*52.9))
		if i%2 == 0 { // next to a border
			half := int64(locustStep(time.Duration(times[i]))) / 2
			times[i] = times[i]/half*half + rng.Int64N(3) - 1
		}
	}
	var keys []int64
	p.Call("buckets", map[string]any{"ns": times}, &keys)
	for i, d := range times {
		if got := Locust.Key(time.Duration(d)); got != keys[i]*1000 {
			t.Errorf("Locust.Key(%d ns) = %d µs, Locust says %d ms", d, got, keys[i])
		}
	}
}

// Conformance: X1
func FuzzKey(f *testing.F) {
	for _, seed := range []int64{0, 1, -1, 99_500_000, 100_000_000, 105_000_000, 10_500_000_000, math.MaxInt64, math.MinInt64} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ns int64) {
		d := time.Duration(ns)
		fine, locust := Fine.Key(d), Locust.Key(d)
		if d >= 100*milli && fine != locust {
			t.Errorf("Key(%d): fine %d, Locust %d", ns, fine, locust)
		}
		if d <= 0 && fine != 0 {
			t.Errorf("Fine.Key(%d) = %d", ns, fine)
		}
		if x := float64(ns) / 1e6; math.Abs(x) < 1<<33 {
			q := float64(locustStep(d)) / 1e6
			if want := int64(math.RoundToEven(x/q)*q) * 1000; locust != want {
				t.Errorf("Locust.Key(%d) = %d, want %d", ns, locust, want)
			}
		}
	})
}
