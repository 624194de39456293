package otelworker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/bandwing/bandwing/locustworker"
)

// read returns the number and the sum of the times of each series: "name error.type".
func read(t *testing.T, reader sdkmetric.Reader) (counts map[string]uint64, sums map[string]float64) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	counts, sums = map[string]uint64{}, map[string]float64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			h, ok := m.Data.(metricdata.Histogram[float64])
			if !ok || m.Name != "locust.client.duration" || m.Unit != "s" {
				t.Fatalf("%s in %s is a %T", m.Name, m.Unit, m.Data)
			}
			for _, p := range h.DataPoints {
				name, _ := p.Attributes.Value("name")
				key := name.AsString()
				if typ, failed := p.Attributes.Value(attribute.Key("error.type")); failed {
					key += " " + typ.AsString()
				}
				counts[key], sums[key] = p.Count, p.Sum
			}
		}
	}
	return counts, sums
}

func newTestDurations(t *testing.T, maxNames int) (*durations, sdkmetric.Reader) {
	t.Helper()
	reader := sdkmetric.NewManualReader()
	d, err := newDurations(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter(scope), maxNames)
	if err != nil {
		t.Fatal(err)
	}
	return d, reader
}

func TestDurations(t *testing.T) {
	d, reader := newTestDurations(t, 3)
	for _, s := range []locustworker.Sample{
		{Type: "GET", Name: "/a", ResponseTime: time.Second},
		{Type: "PUT", Name: "/a", ResponseTime: time.Second / 2},
		{Name: "/a", NoTime: true},
		{Name: "/never", NoTime: true},
		{Name: "/a", ResponseTime: time.Second, Err: locustworker.PythonError("HTTPError", "404")},
		{Name: "/a", ResponseTime: time.Second, Err: fmt.Errorf("wrapped: %w", locustworker.PythonError("HTTPError", "404"))},
		{Name: "/a", ResponseTime: time.Second, Err: errors.New("plain")},
		{Name: "/b\xff", ResponseTime: time.Second},
		{Name: "/b\xff", ResponseTime: time.Second},
		{Name: "", ResponseTime: time.Second},
		{Name: "/4", ResponseTime: time.Second},
		{Name: "/5", ResponseTime: time.Second},
		{Name: "/5", ResponseTime: time.Second, Err: locustworker.PythonError("HTTPError", "404")},
		{Name: "/a", ResponseTime: time.Second},
	} {
		d.record(t.Context(), s)
	}
	counts, sums := read(t, reader)
	want := map[string]uint64{
		"/a": 3, "/a HTTPError": 2, "/a *errors.errorString": 1, "/b\uFFFD": 2, "": 1,
		"Too many unique request names": 2, "Too many unique request names HTTPError": 1,
	}
	if len(counts) != len(want) {
		t.Errorf("%v", counts)
	}
	for key, n := range want {
		if counts[key] != n {
			t.Errorf("%q: %d, want %d", key, counts[key], n)
		}
	}
	if sums["/a"] != 2.5 {
		t.Errorf("/a: %v s", sums["/a"])
	}
}

// TestDurationsOfManyNames records from several goroutines at once: nothing is lost,
// and no series is beyond the limits.
func TestDurationsOfManyNames(t *testing.T) {
	d, reader := newTestDurations(t, defaultMaxNames)
	const users, each = 8, 1000
	var all sync.WaitGroup
	for user := range users {
		all.Go(func() {
			for i := range each {
				s := locustworker.Sample{Name: fmt.Sprint((i + user) % 30), ResponseTime: time.Second}
				if i%3 == 0 {
					s.Err = locustworker.PythonError(fmt.Sprintf("Error%d", i%333))
				}
				d.record(context.Background(), s)
			}
		})
	}
	all.Wait()
	counts, _ := read(t, reader)
	sum := uint64(0)
	names := map[string]bool{}
	errorTypes := map[string]bool{}
	for key, n := range counts {
		sum += n
		var name, typ string
		if _, err := fmt.Sscan(key, &name, &typ); err == nil && name != "Too" {
			errorTypes[typ] = true
		}
		names[name] = true
	}
	if sum != users*each || len(names) != defaultMaxNames+1 || len(errorTypes) > maxErrorTypes+1 || !errorTypes["_OTHER"] {
		t.Errorf("%d samples, %d names, %d types of error", sum, len(names), len(errorTypes))
	}
}

func BenchmarkRecord(b *testing.B) {
	reader := sdkmetric.NewManualReader()
	d, err := newDurations(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter(scope), defaultMaxNames)
	if err != nil {
		b.Fatal(err)
	}
	s := locustworker.Sample{Name: "/a", ResponseTime: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		d.record(context.Background(), s)
	}
}
