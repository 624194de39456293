package boomer

import (
	"log"
	"os"
	"runtime/pprof"
	"sync"
	"time"
)

// A profile is where a profile goes, and for how long it is taken.
type profile struct {
	file     string
	duration time.Duration
}

// StartCPUProfile writes a CPU profile of the next seconds to a file. It does not wait
// for them. The error is about the file, or about a profile that is being taken
// already.
func StartCPUProfile(file string, duration time.Duration) (err error) {
	_, err = startCPUProfile(file, duration)
	return err
}

// StartMemoryProfile writes a profile of the heap to a file when the duration has
// passed. It does not wait for that. The error is about the file.
func StartMemoryProfile(file string, duration time.Duration) error {
	_, err := startMemoryProfile(file, duration)
	return err
}

// startCPUProfile returns what ends the profile before its time.
func startCPUProfile(file string, duration time.Duration) (stop func(), err error) {
	f, err := os.Create(file) //nolint:gosec // the caller names it
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	log.Printf("boomer: taking a CPU profile for %v: %s", duration, file)
	return once(duration, func() {
		pprof.StopCPUProfile()
		closeProfile(f, nil)
	}), nil
}

func startMemoryProfile(file string, duration time.Duration) (stop func(), err error) {
	f, err := os.Create(file) //nolint:gosec // the caller names it
	if err != nil {
		return nil, err
	}
	log.Printf("boomer: taking a profile of the heap in %v: %s", duration, file)
	return once(duration, func() { closeProfile(f, pprof.WriteHeapProfile(f)) }), nil
}

func closeProfile(f *os.File, err error) {
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		log.Printf("boomer: the profile %s is not complete: %v", f.Name(), err)
		return
	}
	log.Printf("boomer: wrote the profile %s", f.Name())
}

// once calls f after the duration, or when what it returns is called first, which then
// waits for f.
func once(duration time.Duration, f func()) (now func()) {
	var did sync.Once
	timer := time.AfterFunc(duration, func() { did.Do(f) })
	return func() {
		timer.Stop()
		did.Do(f)
	}
}

// startProfiles starts what was enabled and returns what ends it.
func (b *Boomer) startProfiles() (stops []func()) {
	start := func(p profile, begin func(string, time.Duration) (func(), error)) {
		if p.file == "" {
			return
		}
		stop, err := begin(p.file, p.duration)
		if err != nil {
			b.logger().Printf("boomer: no profile: %v", err)
			return
		}
		stops = append(stops, stop)
	}
	start(b.cpu, startCPUProfile)
	start(b.memory, startMemoryProfile)
	return stops
}
