package proctest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Terminal is what a program runs in: it shows what the program writes, and sends
// it keys. Its methods are safe for concurrent use.
type Terminal struct {
	master, slave *os.File
	read          chan struct{} // closed when nothing more is shown

	mu    sync.Mutex
	shown strings.Builder
}

// StartInTerminal runs cmd as the leader of a session in a terminal of its own of 100
// columns and 40 lines. The caller must call Close.
func StartInTerminal(cmd *exec.Cmd) (*Process, *Terminal, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	t := &Terminal{master: master, read: make(chan struct{})}
	if t.slave, err = openSlave(int(master.Fd())); err != nil {
		_ = master.Close()
		return nil, nil, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.slave, t.slave, t.slave
	dieWithParent(cmd)
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
	p, err := run(cmd, func() {})
	if err != nil {
		_ = master.Close()
		_ = t.slave.Close()
		return nil, nil, err
	}
	go t.show()
	return p, t, nil
}

// openSlave opens the program's side of a terminal.
func openSlave(master int) (*os.File, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return nil, fmt.Errorf("unlock the terminal: %w", err)
	}
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return nil, fmt.Errorf("name the terminal: %w", err)
	}
	if err := unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &unix.Winsize{Col: 100, Row: 40}); err != nil {
		return nil, fmt.Errorf("size the terminal: %w", err)
	}
	return os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
}

// show keeps what is shown, until the terminal is closed.
func (t *Terminal) show() {
	defer close(t.read)
	part := make([]byte, 4096)
	for {
		n, err := t.master.Read(part)
		t.mu.Lock()
		t.shown.Write(part[:n])
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Shown returns all that was written to the terminal, with its control sequences.
func (t *Terminal) Shown() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.shown.String()
}

// Type presses keys. "\x03" is Ctrl-C.
func (t *Terminal) Type(keys string) error {
	_, err := t.master.WriteString(keys)
	return err
}

// Cooked reports whether the terminal shows what is typed and takes whole lines, as
// one does that nobody has changed.
func (t *Terminal) Cooked() (bool, error) {
	mode, err := unix.IoctlGetTermios(int(t.slave.Fd()), unix.TCGETS)
	if err != nil {
		return false, err
	}
	return mode.Lflag&(unix.ECHO|unix.ICANON) == unix.ECHO|unix.ICANON, nil
}

// Close takes the terminal away, as when its window is closed: its session gets
// SIGHUP. It may be called twice.
func (t *Terminal) Close() {
	_ = t.slave.Close()
	_ = t.master.Close() // it may be closed
	<-t.read
}
