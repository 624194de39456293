package terminal

import (
	"os"
	"sync"
)

// Keys reads single keys from a terminal. It turns off the terminal's echo and its
// waiting for whole lines, and nothing else: Ctrl-C, Ctrl-Z and the output stay as
// they are. Its methods are safe for concurrent use; those of a nil Keys do nothing.
type Keys struct {
	in   *os.File
	stop chan struct{} // closed by Restore

	mu      sync.Mutex
	stopped bool
	restore func()        // nil: the terminal was not changed
	ended   chan struct{} // closed when no more key is reported; nil: none is read
}

// NewKeys returns keys of a file, usually the standard input, and reads none yet.
func NewKeys(in *os.File) *Keys { return &Keys{in: in, stop: make(chan struct{})} }

// Stop gives the terminal back as it was, and returns when no more key is reported.
func (k *Keys) Stop() {
	if k == nil {
		return
	}
	k.Restore()
	k.mu.Lock()
	ended := k.ended
	k.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// Restore gives the terminal back as it was and waits for nothing, for a process that
// ends at once.
func (k *Keys) Restore() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stopped {
		k.stopped = true
		close(k.stop)
		if k.restore != nil {
			k.restore()
		}
	}
}
