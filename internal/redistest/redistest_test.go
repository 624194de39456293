package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("REDISTEST_CHILD") != "" {
		childThatDies()
	}
	goleak.VerifyTestMain(m)
}

// childThatDies is the process of TestServerDiesWithAProcessThatPanics.
func childThatDies() {
	s, err := StartMain()
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	fmt.Println(s.PID())
	panic("the test process dies without Stop")
}

func askServer(t *testing.T, s *Server, command string) (string, error) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return ask(conn, bufio.NewReader(conn), command)
}

func TestStartServesJSON(t *testing.T) {
	s := Start(t)
	if got, err := askServer(t, s, "JSON.SET a $ 1"); err != nil || got != "+OK" {
		t.Errorf("JSON.SET = %q, %v", got, err)
	}
	if want := net.JoinHostPort(s.Host, strconv.Itoa(s.Port)); s.Addr != want {
		t.Errorf("Addr = %q, want %q", s.Addr, want)
	}
	if got, err := askServer(t, s, "DBSIZE"); err != nil || got != ":1" {
		t.Errorf("DBSIZE = %q, %v: the probe's key must be gone", got, err)
	}
}

func TestRestartKeepsThePortAndLosesTheData(t *testing.T) {
	s := Start(t)
	addr, pid := s.Addr, s.PID()
	if _, err := askServer(t, s, "JSON.SET a $ 1"); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	s.Stop()
	if s.PID() != 0 || alive(pid) {
		t.Errorf("PID %d after Stop; process %d alive: %t", s.PID(), pid, alive(pid))
	}
	if _, err := askServer(t, s, "PING"); err == nil {
		t.Error("a stopped server answers")
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if s.Addr != addr {
		t.Errorf("Addr = %q, want %q", s.Addr, addr)
	}
	if got, err := askServer(t, s, "DBSIZE"); err != nil || got != ":0" {
		t.Errorf("DBSIZE = %q, %v", got, err)
	}
}

func TestStopEndsAStoppedProcess(t *testing.T) {
	s := Start(t)
	pid := s.PID()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if alive(pid) {
		t.Error("the process is still there")
	}
}

func TestConfig(t *testing.T) {
	noJSON := StartWith(t, Config{NoJSON: true})
	if got, err := askServer(t, noJSON, "JSON.SET a $ 1"); err != nil || got[0] != '-' {
		t.Errorf("JSON.SET without the module = %q, %v", got, err)
	}
	secret := StartWith(t, Config{Args: []string{"--requirepass", "pw"}})
	if got, err := askServer(t, secret, "PING"); err != nil || got != "-NOAUTH Authentication required." {
		t.Errorf("PING = %q, %v", got, err)
	}
}

func TestMissingProgramsAreNamed(t *testing.T) {
	t.Run("module", func(t *testing.T) {
		t.Setenv("REJSON_SO", filepath.Join(t.TempDir(), "rejson.so"))
		if _, err := StartMain(); !errors.Is(err, ErrMissing) || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("server", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := StartMain(); !errors.Is(err, ErrMissing) || !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("err = %v", err)
		}
	})
}

func TestAServerThatEndsAtOnceIsAnError(t *testing.T) {
	_, err := StartMain(Config{Args: []string{"--no-such-option", "1"}})
	if !errors.Is(err, errExited) {
		t.Errorf("err = %v", err)
	}
}

func TestServerDiesWithAProcessThatPanics(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "REDISTEST_CHILD=1", "TMPDIR="+t.TempDir())
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Fatalf("the child ended with %v, want the exit code of a panic; output %q", err, out)
	}
	var pid int
	if _, err := fmt.Sscan(string(out), &pid); err != nil {
		t.Fatalf("output %q: %v", out, err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for alive(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d outlived its parent", pid)
		}
		time.Sleep(time.Millisecond)
	}
}

// alive says whether pid runs: a process that ended and waits to be reaped by somebody does not.
func alive(pid int) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	var id int
	var name, flag string
	if _, err := fmt.Sscan(string(state), &id, &name, &flag); err != nil {
		return false
	}
	return flag != "Z" && flag != "X"
}
