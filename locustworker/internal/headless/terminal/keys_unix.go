//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package terminal

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// pollInterval is how often a reader of keys looks whether it is to end, or whether
// the process was brought back to the foreground.
const pollInterval = 200 * time.Millisecond

// Read begins to call pressed for each key, one at a time, until Stop or until the
// terminal is gone. pressed must not call Stop. Read is called once. It reports
// whether keys are read: not when the file is no terminal, or when the process runs
// in the terminal's background, where reading would suspend it.
func (k *Keys) Read(pressed func(key byte)) bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	fd := int(k.in.Fd())
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil || k.stopped || !foreground(fd) {
		return false
	}
	single := *before
	single.Lflag &^= unix.ICANON | unix.ECHO
	single.Cc[unix.VMIN], single.Cc[unix.VTIME] = 1, 0
	if unix.IoctlSetTermios(fd, setTermios, &single) != nil {
		return false
	}
	k.restore = func() {
		if foreground(fd) { // else it is another program's now
			_ = unix.IoctlSetTermios(fd, setTermios, before) // a terminal that is gone needs nothing
		}
	}
	k.ended = make(chan struct{})
	go k.read(fd, &single, pressed)
	return true
}

// foreground reports whether the process may use the terminal.
func foreground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// read reports keys until the end.
func (k *Keys) read(fd int, single *unix.Termios, pressed func(key byte)) {
	defer close(k.ended)
	for {
		select {
		case <-k.stop:
			return
		default:
		}
		if !foreground(fd) { // keys are for whoever is there now
			select {
			case <-k.stop:
				return
			case <-time.After(pollInterval):
				continue
			}
		}
		k.again(fd, single)
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, int(pollInterval.Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR), err == nil && n == 0:
			continue
		case err != nil, poll[0].Revents&unix.POLLIN == 0:
			return // the terminal is gone
		case !foreground(fd):
			continue
		}
		var keys [16]byte
		n, err = unix.Read(fd, keys[:])
		if n <= 0 && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return
		}
		for _, key := range keys[:max(n, 0)] {
			pressed(key)
		}
	}
}

// again sets the terminal again after a suspension (Ctrl-Z), in which the shell has
// set it for itself.
func (k *Keys) again(fd int, single *unix.Termios) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err := unix.IoctlGetTermios(fd, getTermios)
	if err == nil && now.Lflag&(unix.ICANON|unix.ECHO) != 0 && !k.stopped {
		_ = unix.IoctlSetTermios(fd, setTermios, single) // without it, keys come with the next line
	}
}
