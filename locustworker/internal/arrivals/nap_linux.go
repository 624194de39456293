package arrivals

import (
	"syscall"
	"time"
)

// Nap sleeps for about d and 50 µs, in the kernel.
func Nap(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal may end it early
}
