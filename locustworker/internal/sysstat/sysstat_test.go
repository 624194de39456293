package sysstat

import (
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newSampler(t *testing.T) *Sampler {
	t.Helper()
	s, err := NewSampler()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, s *Sampler) Usage {
	t.Helper()
	u, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// cpuTime is the CPU time of this process, from the kernel by another way than
// the package takes.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// burn uses up CPU time, however long that takes on a busy machine.
func burn(t *testing.T, d time.Duration) {
	t.Helper()
	x := 1.0
	for until := cpuTime(t) + d; cpuTime(t) < until; {
		for range 100_000 {
			x = math.Sqrt(x + 1)
		}
	}
	if math.IsNaN(x) {
		t.Fatal("square roots are broken")
	}
}

// tick is more than the kernel's two ways to count CPU time can be apart.
const tick = 30 * time.Millisecond

// A moment is the time and the CPU time at it.
type moment struct {
	at  time.Time
	cpu time.Duration
}

func now(t *testing.T) moment { return moment{at: time.Now(), cpu: cpuTime(t)} }

// readBetween reads and says between which moments that was, so that tests do
// not depend on how long the machine lets them wait.
func readBetween(t *testing.T, s *Sampler) (u Usage, before, after moment) {
	t.Helper()
	before = now(t)
	u = read(t, s)
	return u, before, now(t)
}

// checkBurning burns CPU time between two reads and compares the second one's
// percentage with the kernel's other count of it.
func checkBurning(t *testing.T, s *Sampler, cores int) {
	t.Helper()
	_, before1, after1 := readBetween(t, s)
	burn(t, 500*time.Millisecond)
	u, before2, after2 := readBetween(t, s)

	shortest, longest := before2.at.Sub(after1.at), after2.at.Sub(before1.at)
	least, most := before2.cpu-after1.cpu-tick, after2.cpu-before1.cpu+tick
	low := 100 * least.Seconds() / longest.Seconds() / float64(cores)
	high := 100 * most.Seconds() / shortest.Seconds() / float64(cores)
	if !(u.CPUPercent >= low && u.CPUPercent <= high) {
		t.Errorf("%v %% of %d cores, the kernel says %v to %v %%", u.CPUPercent, cores, low, high)
	}
}

func TestCPUPercentIsThatOfTheInterval(t *testing.T) {
	s := newSampler(t)
	burn(t, 50*time.Millisecond)
	if first := read(t, s); first.CPUPercent != 0 {
		t.Errorf("first read: %v %%, want 0", first.CPUPercent)
	}
	checkBurning(t, s, runtime.GOMAXPROCS(0))
}

// TestAllCoresAreOneHundred: the percentage is of the cores that Go may use, not
// of those that the machine has.
//
// Conformance: B4
func TestAllCoresAreOneHundred(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := newSampler(t)
	for _, cores := range []int{1, 4} {
		runtime.GOMAXPROCS(cores)
		checkBurning(t, s, cores)
	}
}

// TestReadsInQuickSuccession: on a clock that stands still nothing can be
// measured; the next read covers all of the time.
func TestReadsInQuickSuccession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSampler(t)
		read(t, s)
		burn(t, 200*time.Millisecond)
		for range 3 {
			if got := read(t, s).CPUPercent; got != 0 {
				t.Errorf("%v %% in no time, want the first read's 0", got)
			}
		}
		time.Sleep(time.Second)
		measured := read(t, s).CPUPercent
		atLeast := 100 * 0.15 / float64(runtime.GOMAXPROCS(0)) // 200 ms less the ticks
		if measured < atLeast {
			t.Errorf("%v %% of a second, want at least %v", measured, atLeast)
		}
		time.Sleep(minInterval - 1)
		if got := read(t, s).CPUPercent; got != measured {
			t.Errorf("%v %% just before the shortest interval, want %v again", got, measured)
		}
		time.Sleep(100 * time.Second)
		if got := read(t, s).CPUPercent; got >= measured {
			t.Errorf("%v %% of a time without work, after %v with", got, measured)
		}
	})
}

func TestPercent(t *testing.T) {
	const sec = time.Second
	for _, test := range []struct {
		used, elapsed time.Duration
		cores         int
		want          float64
	}{
		{4 * sec, 4 * sec, 1, 100},
		{4 * sec, 4 * sec, 4, 25},
		{16 * sec, 4 * sec, 4, 100},
		{5 * sec, 4 * sec, 1, 125},
		{0, sec, 2, 0},
		{sec, 0, 2, 0},
		{0, 0, 2, 0},
		{sec, sec, 0, 0},
		{-sec, sec, 2, 0},
		{sec, -sec, 2, 0},
	} {
		if got := percent(test.used, test.elapsed, test.cores); got != test.want {
			t.Errorf("percent(%v, %v, %d) = %v, want %v", test.used, test.elapsed, test.cores, got, test.want)
		}
	}
}

// TestMemoryIsResident compares with the kernel's own count of pages, before and
// after 64 MB more.
//
// Conformance: B4
func TestMemoryIsResident(t *testing.T) {
	s := newSampler(t)
	checkResident(t, read(t, s).MemoryBytes)

	block, err := syscall.Mmap(-1, 0, 64<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(block); i += os.Getpagesize() {
		block[i] = 1
	}
	checkResident(t, read(t, s).MemoryBytes)
	if err := syscall.Munmap(block); err != nil {
		t.Error(err)
	}
}

func checkResident(t *testing.T, got uint64) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseUint(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	want := float64(pages) * float64(os.Getpagesize())
	if math.Abs(float64(got)-want) > 0.2*want+4<<20 {
		t.Errorf("%d bytes, the kernel says %v", got, want)
	}
}

func BenchmarkRead(b *testing.B) {
	s, err := NewSampler()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Read(); err != nil {
			b.Fatal(err)
		}
	}
}
