package stats

import "time"

// Buckets says how response times are rounded to the keys of a histogram.
// Values other than [Locust] mean [Fine].
//
// The number of different keys bounds the size of an entry's histogram:
//
//   - Locust: 101 keys up to 100 ms, 270 more up to 100 s, one per second
//     beyond. Typical: 10 to 100.
//   - Fine: 100 keys below 0.1 ms, 350 per decade from there to 100 ms (1,150
//     in all), then Locust's. Typical: 100 to 400, because an endpoint's times
//     rarely spread over more than one decade.
type Buckets int

const (
	// Fine rounds like Locust from 100 ms up and finer below: to 1 µs below
	// 0.1 ms, and to steps of 0.4 to 1 % of the value from there. All of
	// Locust's own values below 100 ms are among its steps, so a value is never
	// further from the truth than Locust's.
	Fine Buckets = iota
	// Locust rounds like the stock worker everywhere (bucket_response_time in
	// locust/stats.py): whole milliseconds below 100 ms, two digits above.
	Locust
)

const (
	micro = time.Microsecond
	milli = time.Millisecond
)

// Key returns the histogram key of a response time, in microseconds.
//
// Ties go to the even multiple of the step, as Python's round does. The
// arithmetic is exact; Locust rounds float milliseconds, which is the same for
// every time below 2^33 ms (99 days).
//
// A negative time can only be a caller's mistake, which a [Store] counts as 0.
// Key itself rounds it to whole milliseconds in Locust mode, as the stock worker
// does (-7.5 ms is key -8000), and to key 0 in Fine mode.
func (b Buckets) Key(d time.Duration) int64 {
	step := locustStep(d)
	if b != Locust && d < 100*milli {
		step = fineStep(d)
		d = max(d, 0)
	}
	return nearest(d, step) * int64(step/micro)
}

// locustStep returns the width of Locust's bucket at d.
func locustStep(d time.Duration) time.Duration {
	switch {
	case d < 100*milli:
		return milli
	case d < 1000*milli:
		return 10 * milli
	case d < 10000*milli:
		return 100 * milli
	default:
		return 1000 * milli
	}
}

// fineStep returns the width of the fine bucket at d, for d below 100 ms: of
// each decade's value, .01 from 1 to 2, .02 from 2 to 5 and .05 from 5 to 10.
func fineStep(d time.Duration) time.Duration {
	decade := 10 * milli
	for d < decade && decade > 100*micro {
		decade /= 10
	}
	switch {
	case d < 2*decade: // also everything below the lowest decade
		return decade / 100
	case d < 5*decade:
		return decade / 50
	default:
		return decade / 20
	}
}

// nearest returns the multiple of step that is nearest to d, counted in steps;
// ties go to the even one.
func nearest(d, step time.Duration) int64 {
	steps, rest := int64(d/step), d%step
	twice := 2 * max(rest, -rest)
	if twice > step || (twice == step && steps%2 != 0) {
		if d < 0 {
			return steps - 1
		}
		return steps + 1
	}
	return steps
}
