package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var errExited = errors.New("redistest: redis-server ended before it answered")

const (
	probeTimeout = time.Second
	probePause   = 5 * time.Millisecond
	logTailBytes = 2048
)

// process is one run of redis-server.
type process struct {
	pid     int
	done    chan struct{} // closed when the process has ended and was reaped
	logPath string
}

// startProcess runs program and blocks until it is started, not until it is ready.
//
// Start and Wait run on one goroutine that is locked to its thread: the kernel's parent-death signal fires when
// the thread that forked ends, so that thread must live exactly as long as the child.
func startProcess(program string, args []string, logPath string) (*process, error) {
	logFile, err := os.OpenFile(logPath, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	dieWithParent(cmd)

	p := &process{done: make(chan struct{}), logPath: logPath}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		defer close(p.done)
		defer logFile.Close()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // the exit status of a server we stop says nothing
		}
	}()
	return p, <-started
}

// stop asks the process to end, kills it after the deadline and returns when it is gone.
func (p *process) stop(deadline time.Duration) {
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGCONT) // a test may have stopped it with SIGSTOP
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case <-p.done:
		return
	case <-timer.C:
		p.signal(syscall.SIGKILL)
	}
	<-p.done
}

// signal reaches our child only: its pid is not given to another process before it was reaped.
func (p *process) signal(sig syscall.Signal) {
	if p.exited() {
		return
	}
	_ = syscall.Kill(p.pid, sig) // it may have ended meanwhile
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) logTail() string {
	b, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-logTailBytes):])
}

// awaitReady blocks until the server at addr is the process p and, with withJSON, executes JSON.SET.
func awaitReady(addr string, p *process, withJSON bool) error {
	deadline := time.Now().Add(startDeadline)
	for {
		err := probe(addr, p.pid, withJSON)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("redistest: redis-server does not answer at %s: %w", addr, err)
		}
		select {
		case <-p.done:
			return fmt.Errorf("%w (last probe: %w)", errExited, err)
		case <-time.After(probePause):
		}
	}
}

// probe talks RESP's inline form, so that this package needs no Redis client. A server that wants a password
// before it answers counts as ready: the test that asked for one knows it.
func probe(addr string, pid int, withJSON bool) error {
	conn, err := net.DialTimeout("tcp", addr, probeTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(probeTimeout)); err != nil {
		return err
	}
	r := bufio.NewReader(conn)

	info, err := ask(conn, r, "INFO server")
	if err != nil || strings.HasPrefix(info, "-NOAUTH") {
		return err
	}
	if !strings.Contains(info, "process_id:"+strconv.Itoa(pid)+"\r\n") {
		return fmt.Errorf("another server has the port: %.80q", info)
	}
	if !withJSON {
		return nil
	}
	if err := expect(conn, r, "JSON.SET redistest:probe $ 1", "+OK"); err != nil {
		return err
	}
	return expect(conn, r, "DEL redistest:probe", ":1")
}

func expect(conn net.Conn, r *bufio.Reader, command, want string) error {
	reply, err := ask(conn, r, command)
	if err == nil && reply != want {
		err = fmt.Errorf("%s: %.80q", command, reply)
	}
	return err
}

// ask sends one inline command and reads a simple, error, integer or bulk reply.
func ask(conn net.Conn, r *bufio.Reader, command string) (string, error) {
	if _, err := conn.Write([]byte(command + "\r\n")); err != nil {
		return "", err
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	size, isBulk := strings.CutPrefix(line, "$")
	if !isBulk {
		return line, nil
	}
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 {
		return "", fmt.Errorf("reply %q to %s", line, command)
	}
	body := make([]byte, n+len("\r\n"))
	if _, err := io.ReadFull(r, body); err != nil {
		return "", err
	}
	return string(body[:n]), nil
}
