package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
)

var errExited = errors.New("redistest: redis-server ended before it answered")

const (
	probeTimeout = time.Second
	probePause   = 5 * time.Millisecond
)

// awaitReady blocks until the server at addr is the process p and, with withJSON, executes JSON.SET.
func awaitReady(addr string, p *proctest.Process, withJSON bool) error {
	deadline := time.Now().Add(startDeadline)
	for {
		err := probe(addr, p.Pid(), withJSON)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("redistest: redis-server does not answer at %s: %w", addr, err)
		}
		select {
		case <-p.Done():
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
