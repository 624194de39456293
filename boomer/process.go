package boomer

import (
	"crypto/md5" //nolint:gosec // what the function is for
	"encoding/hex"
	"log"
	"os"
	"runtime"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// Now returns the time in milliseconds since 1970. For finer times use time.Now and
// RecordDuration.
func Now() int64 { return time.Now().UnixMilli() }

// MD5 returns the MD5 sum of the texts one after the other, in hexadecimal.
func MD5(slice ...string) string {
	h := md5.New() //nolint:gosec // what the function is for
	for _, text := range slice {
		_, _ = h.Write([]byte(text))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// GetCurrentCPUUsage returns how much of the machine's CPU the process has used since
// it was started, in percent of all cores; 0, and a line in the log, if the system
// does not tell.
func GetCurrentCPUUsage() float64 {
	p, err := this()
	if err == nil {
		var percent float64
		if percent, err = p.CPUPercent(); err == nil {
			return percent / float64(runtime.NumCPU())
		}
	}
	log.Printf("boomer: the CPU usage is not known: %v", err)
	return 0
}

// GetCurrentMemUsage returns the resident memory of the process in bytes; 0, and a
// line in the log, if the system does not tell.
func GetCurrentMemUsage() uint64 {
	p, err := this()
	if err == nil {
		var memory *process.MemoryInfoStat
		if memory, err = p.MemoryInfo(); err == nil {
			return memory.RSS
		}
	}
	log.Printf("boomer: the memory usage is not known: %v", err)
	return 0
}

func this() (*process.Process, error) { return process.NewProcess(int32(os.Getpid())) }
