// Command faker measures what a user's source of fake data costs with gofakeit v6 and with v7 (`make bench-faker`): the
// memory of many seeded fakers, the CPU time to make one, and the CPU time of a document's fields.
//
// It is a module of its own, so that v6 does not come into the module that ships.
package main

import (
	"flag"
	"fmt"
	"io"
	mathrand "math/rand" //nolint:depguard // version 6 takes its sources
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	v6 "github.com/brianvoe/gofakeit/v6"
	v7 "github.com/brianvoe/gofakeit/v7"
)

func main() {
	n := flag.Int("n", 100_000, "how many fakers")
	rounds := flag.Int("rounds", 5, "how often each is measured")
	flag.Parse()
	run(*n, *rounds, os.Stdout)
}

// kind is a way to make a faker with a seed.
type kind struct {
	name string
	new  func(seed uint64) faker
}

// faker is what a user calls, of either version.
type faker interface {
	Name() string
	Email() string
	City() string
	Number(least, most int) int
}

func kinds() []kind {
	return []kind{
		{"v7 NewFaker(PCG)", func(seed uint64) faker { return v7.NewFaker(rand.NewPCG(seed, 1), false) }},
		{"v7 New", func(seed uint64) faker { return v7.New(seed + 1) }},
		{"v6 NewCustom(PCG)", func(seed uint64) faker { return v6.NewCustom(&source{rand.NewPCG(seed, 1)}) }},
		{"v6 NewUnlocked", func(seed uint64) faker { return v6.NewUnlocked(int64(seed + 1)) }},
		{"v6 New", func(seed uint64) faker { return v6.New(int64(seed + 1)) }},
	}
}

// source makes a PCG a source of math/rand, which v6 needs.
type source struct{ *rand.PCG }

func (s *source) Int63() int64    { return int64(s.Uint64() >> 1) }
func (s *source) Seed(seed int64) { s.PCG.Seed(uint64(seed), 1) }

var _ mathrand.Source64 = (*source)(nil)

// sample is what one measurement of a kind gave, each for one faker.
type sample struct {
	bytes         float64
	seed, produce time.Duration
}

func run(n, rounds int, stdout io.Writer) {
	ks := kinds()
	samples := make([][]sample, len(ks))
	for range rounds {
		for i, k := range ks { // one after the other in each round, because a machine is not the same at all times
			samples[i] = append(samples[i], measure(k, n))
		}
	}
	fmt.Fprintf(stdout, "%d fakers, %d rounds, medians, %s\n\n", n, rounds, runtime.Version())
	fmt.Fprintf(stdout, "%-20s %14s %8s %14s %8s %16s %8s\n", "", "bytes/faker", "ratio", "CPU to seed", "ratio", "CPU of 4 fields", "ratio")
	first := medians(samples[0])
	for i, k := range ks {
		m := medians(samples[i])
		fmt.Fprintf(stdout, "%-20s %14.0f %8.2f %14v %8.2f %16v %8.2f\n", k.name, m.bytes, m.bytes/first.bytes,
			m.seed, float64(m.seed)/float64(first.seed), m.produce, float64(m.produce)/float64(first.produce))
	}
}

func measure(k kind, n int) sample {
	fakers := make([]faker, n)
	before, start := heap(), cpu()
	for i := range fakers {
		fakers[i] = k.new(uint64(i))
	}
	seeded := cpu()
	s := sample{seed: (seeded - start) / time.Duration(n), bytes: float64(heap()-before) / float64(n)}
	start = cpu()
	length := 0
	for _, f := range fakers {
		length += len(f.Name()) + len(f.Email()) + len(f.City()) + f.Number(18, 89)
	}
	s.produce = (cpu() - start) / time.Duration(n)
	runtime.KeepAlive(fakers)
	if length == 0 {
		panic("faker: nothing was made") // and so that nothing is optimized away
	}
	return s
}

// heap is what lives on the heap, in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// cpu is the user and system time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail with these arguments
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func medians(samples []sample) sample {
	n := len(samples) / 2
	pick := func(of func(sample) float64) float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = of(s)
		}
		slices.Sort(values)
		return values[n]
	}
	return sample{
		bytes:   pick(func(s sample) float64 { return s.bytes }),
		seed:    time.Duration(pick(func(s sample) float64 { return float64(s.seed) })),
		produce: time.Duration(pick(func(s sample) float64 { return float64(s.produce) })),
	}
}
