// Package redistest starts the real Redis with the real RedisJSON module for tests.
//
// Every server listens on a free loopback port, keeps its files in its own temporary folder and dies with the
// test process: Stop ends it in the normal case, and on Linux the kernel kills it when the test process is gone
// without having called Stop (a panic, a test timeout, a SIGKILL).
//
// What is missing is a failure, never a skip: install it with `make deps`.
package redistest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
)

const (
	host          = "127.0.0.1"
	startDeadline = 20 * time.Second
	stopDeadline  = 5 * time.Second
	// Another process may take the free port between our looking and Redis's binding it.
	portAttempts = 5
)

// ErrMissing says that redis-server or rejson.so is not installed.
var ErrMissing = errors.New("redistest: not installed, run `make deps`")

// Config asks for a server that differs from the default. The zero value is the default.
type Config struct {
	Args   []string // more arguments for redis-server, e.g. "--requirepass", "secret"
	NoJSON bool     // start without the RedisJSON module

	// ConfigFile is the text of a configuration file, which redis-server may rewrite; empty for none.
	ConfigFile string
	Sentinel   bool // start a Redis Sentinel, which has no JSON

	// NoProbe is for servers that take no writes at first: they count as ready without a JSON.SET.
	NoProbe bool
}

// Server is a running redis-server. Its methods must not be called concurrently.
type Server struct {
	Addr string // Host:Port
	Host string // always 127.0.0.1
	Port int    // stays the same over Stop and Restart

	program string
	module  string // empty: without RedisJSON
	args    []string
	config  string
	probe   bool // with JSON.SET
	dir     string

	proc *proctest.Process // nil when stopped
}

// Start runs a server for one test and stops it when the test ends. It blocks until the server answers JSON.SET
// and fails the test when it does not within 20 s or when something is not installed.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, Config{})
}

// StartWith is Start for a server that cfg describes.
func StartWith(t testing.TB, cfg Config) *Server {
	t.Helper()
	s, err := StartMain(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// StartMain runs a server that several tests share: call it from TestMain and Close the server after m.Run.
// At most one Config is used.
func StartMain(cfg ...Config) (*Server, error) {
	var c Config
	if len(cfg) > 0 {
		c = cfg[0]
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("%w: redis-server is not on the PATH: %w", ErrMissing, err)
	}
	s := &Server{Host: host, program: program, args: c.Args, config: c.ConfigFile, probe: !c.NoJSON && !c.Sentinel && !c.NoProbe}
	if c.Sentinel {
		s.args = append(s.args, "--sentinel")
	}
	if !c.NoJSON && !c.Sentinel {
		if s.module, err = modulePath(); err != nil {
			return nil, err
		}
	}
	if s.dir, err = os.MkdirTemp("", "redistest-"); err != nil {
		return nil, fmt.Errorf("redistest: folder for the server: %w", err)
	}
	for range portAttempts {
		if err = s.takePort(); err != nil {
			break
		}
		if err = s.launch(); err == nil || !errors.Is(err, errExited) {
			break
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Stop ends the server's process and waits until it is gone. Its data is lost. A second Stop does nothing.
func (s *Server) Stop() {
	if s.proc != nil {
		s.proc.Stop(stopDeadline)
		s.proc = nil
	}
}

// Restart stops the server if it runs and starts an empty one on the same port. It blocks until that answers.
func (s *Server) Restart() error {
	s.Stop()
	return s.launch()
}

// Close stops the server and removes its folder.
func (s *Server) Close() {
	s.Stop()
	_ = os.RemoveAll(s.dir) // a leftover in the temp folder is no reason to fail a test
}

// PID is the process id of the running server, 0 when it is stopped. Tests use it to send signals.
func (s *Server) PID() int {
	if s.proc == nil {
		return 0
	}
	return s.proc.Pid()
}

func (s *Server) takePort() error {
	ports, err := proctest.FreePorts(1)
	if err != nil {
		return fmt.Errorf("redistest: %w", err)
	}
	s.Port = ports[0]
	s.Addr = net.JoinHostPort(host, strconv.Itoa(s.Port))
	return nil
}

func (s *Server) launch() error {
	args := []string{"--bind", host, "--port", strconv.Itoa(s.Port), "--dir", s.dir, "--daemonize", "no"}
	if s.config == "" {
		args = append(args, "--save", "", "--appendonly", "no")
	} else {
		file := filepath.Join(s.dir, "redis.conf")
		if err := os.WriteFile(file, []byte(s.config), 0o600); err != nil {
			return fmt.Errorf("redistest: %w", err)
		}
		args = append([]string{file}, args...)
	}
	if s.module != "" {
		args = append(args, "--loadmodule", s.module)
	}
	cmd := exec.Command(s.program, append(args, s.args...)...)
	proc, err := proctest.Start(cmd, filepath.Join(s.dir, "redis.log"))
	if err != nil {
		return fmt.Errorf("redistest: %w", err)
	}
	if err := awaitReady(s.Addr, proc, s.probe); err != nil {
		proc.Stop(stopDeadline)
		return fmt.Errorf("%w\n%s", err, proc.LogTail())
	}
	s.proc = proc
	return nil
}

// modulePath is the file in REJSON_SO, else .local/redis/rejson.so below the folder that holds go.mod.
func modulePath() (string, error) {
	path := os.Getenv("REJSON_SO")
	if path == "" {
		root, err := proctest.ModuleRoot()
		if err != nil {
			return "", fmt.Errorf("redistest: %w: set REJSON_SO", err)
		}
		path = filepath.Join(root, ".local", "redis", "rejson.so")
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w: the RedisJSON module (REJSON_SO names another file): %w", ErrMissing, err)
	}
	return filepath.Abs(path)
}
