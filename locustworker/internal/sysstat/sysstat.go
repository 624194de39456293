// Package sysstat measures the CPU and memory that this process uses, for the
// heartbeats of a worker.
package sysstat

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// minInterval is the shortest time that CPU usage is measured over: the system
// counts CPU time in ticks of 10 ms.
const minInterval = 100 * time.Millisecond

// Usage is what the process uses.
type Usage struct {
	// CPUPercent is the CPU time between two reads as a percentage of what the
	// usable cores (GOMAXPROCS) could have given: 100 is all of them at work. A
	// Python worker reports the percentage of one core, which is all it can use;
	// the master warns above 90 for both (runners.py, CPU_WARNING_THRESHOLD).
	// Never negative, NaN or infinite.
	CPUPercent float64

	// MemoryBytes is the resident set size.
	MemoryBytes uint64
}

// Sampler reads the usage of this process. It is not safe for concurrent use:
// the CPU percentage is that of the time between its own reads.
type Sampler struct {
	process *process.Process
	cpu     time.Duration // CPU time used until the last measurement
	at      time.Time     // of the last measurement; zero: none yet
	percent float64       // its result
}

// NewSampler returns a sampler that has read nothing yet. It fails where the
// system does not tell what a process uses.
func NewSampler() (*Sampler, error) {
	self, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("sysstat: look up this process: %w", err)
	}
	s := &Sampler{process: self}
	if _, err := s.cpuTime(); err != nil {
		return nil, err
	}
	if _, err := s.memory(); err != nil {
		return nil, err
	}
	return s, nil
}

// Read returns the usage since the read before. The first one has a CPU
// percentage of 0, as psutil's; one within 100 ms of the last measurement
// repeats its percentage, and the next one measures over all of the time. A
// failed read changes nothing. Read takes well below a millisecond.
func (s *Sampler) Read() (Usage, error) {
	memory, err := s.memory()
	if err != nil {
		return Usage{}, err
	}
	now := time.Now()
	if !s.at.IsZero() && now.Sub(s.at) < minInterval {
		return Usage{CPUPercent: s.percent, MemoryBytes: memory}, nil
	}
	cpu, err := s.cpuTime()
	if err != nil {
		return Usage{}, err
	}
	if !s.at.IsZero() {
		s.percent = percent(cpu-s.cpu, now.Sub(s.at), runtime.GOMAXPROCS(0))
	}
	s.cpu, s.at = cpu, now
	return Usage{CPUPercent: s.percent, MemoryBytes: memory}, nil
}

// percent returns the CPU time used as a percentage of what the cores can give
// in the elapsed time, 0 if that is nothing.
func percent(used, elapsed time.Duration, cores int) float64 {
	if used <= 0 || elapsed <= 0 || cores <= 0 {
		return 0
	}
	return 100 * used.Seconds() / (elapsed.Seconds() * float64(cores))
}

// cpuTime returns the CPU time that the process has used since its start, in its
// own code and in the kernel.
func (s *Sampler) cpuTime() (time.Duration, error) {
	times, err := s.process.Times()
	if err != nil {
		return 0, fmt.Errorf("sysstat: read the CPU time of this process: %w", err)
	}
	return time.Duration((times.User + times.System) * float64(time.Second)), nil
}

func (s *Sampler) memory() (uint64, error) {
	info, err := s.process.MemoryInfo()
	if err != nil {
		return 0, fmt.Errorf("sysstat: read the memory of this process: %w", err)
	}
	return info.RSS, nil
}
