package stats

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

// benchSamples returns samples of 20 names with times around 2 ms.
func benchSamples(n int) []Sample {
	rng := rand.New(rand.NewPCG(1, 2))
	at := time.Unix(1_700_000_000, 0)
	samples := make([]Sample, n)
	for i := range samples {
		samples[i] = Sample{
			Method:       "GET",
			Name:         fmt.Sprintf("/api/v1/endpoint_%d", i%20),
			At:           at,
			ResponseTime: time.Duration(float64(2*time.Millisecond) * (1 + rng.NormFloat64()/4)),
			Length:       512,
		}
	}
	return samples
}

func BenchmarkRecord(b *testing.B) {
	samples := benchSamples(1024)
	store := New(Config{})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		store.Record(3, samples[i&1023])
		i++
	}
}

func BenchmarkRecordParallel(b *testing.B) {
	samples := benchSamples(1024)
	store := New(Config{})
	var next atomic.Uint32
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		shard := next.Add(1)
		for i := 0; pb.Next(); i++ {
			store.Record(shard, samples[i&1023])
		}
	})
}

func BenchmarkRecordFailed(b *testing.B) {
	store := New(Config{})
	sample := benchSamples(1)[0]
	sample.Failed, sample.Error = true, "404 Client Error: Not Found for url: /api/v1/get_json"
	b.ReportAllocs()
	for b.Loop() {
		store.Record(0, sample)
	}
}

// BenchmarkTake takes reports of 20 names that every shard has seen.
func BenchmarkTake(b *testing.B) {
	samples := benchSamples(1024)
	store := New(Config{})
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i, sm := range samples {
			for range 4 {
				store.Record(uint32(i/20), sm)
			}
		}
		b.StartTimer()
		store.Take()
	}
}

func BenchmarkKey(b *testing.B) {
	samples := benchSamples(1024)
	var sum int64
	i := 0
	for b.Loop() {
		sum += Fine.Key(samples[i&1023].ResponseTime)
		i++
	}
	_ = sum
}
