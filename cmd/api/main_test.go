package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/internal/redistest"
)

// asProgram makes the test binary be the program itself, for the tests that send it signals.
const asProgram = "BANDWING_API_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// addressOf reads the line that the program prints when it listens.
func addressOf(t *testing.T, stdout io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("stdout %q: %v", line, err)
	}
	_, rest, _ := strings.Cut(line, "http://")
	address, _, _ := strings.Cut(rest, " ")
	return "http://" + address
}

func status(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func awaitStatus(t *testing.T, url string, want int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		code, body := status(t, url)
		if code == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d %s", url, code, body)
		}
		time.Sleep(time.Millisecond)
	}
}

// start runs the program in this process, with the environment that the test has set and on a free port. The
// returned function stops it and returns its exit code and what it wrote to stderr.
func start(t *testing.T) (url string, stop func() (int, string)) {
	t.Helper()
	return startLogged(t, new(lockedText))
}

// startLogged is start with a text that can be read while the program writes to stderr.
func startLogged(t *testing.T, stderr *lockedText) (url string, stop func() (int, string)) {
	t.Helper()
	t.Setenv("API_ADDR", "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	stdout, stdoutWriter := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, nil, stdoutWriter, stderr)
		stdoutWriter.Close()
	}()
	return addressOf(t, stdout), func() (int, string) {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		return <-code, stderr.String()
	}
}

// lockedText is an io.Writer that may be read meanwhile.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until there is a text.
func (l *lockedText) await(t *testing.T, says string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(l.String(), says) {
		if time.Now().After(deadline) {
			t.Fatalf("%q does not say %q", l, says)
		}
		time.Sleep(time.Millisecond)
	}
}

func useRedis(t *testing.T, server *redistest.Server) {
	t.Helper()
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("REDIS_HOST", host)
	t.Setenv("REDIS_PORT", port)
}

func TestItStartsWithoutRedisAndFindsItLater(t *testing.T) {
	server := redistest.Start(t)
	server.Stop()
	useRedis(t, server)
	log := new(lockedText)
	url, stop := startLogged(t, log)
	if code, body := status(t, url+"/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d %s", code, body)
	}
	if code, body := status(t, url+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, server.Addr) {
		t.Errorf("/readyz: %d %s", code, body)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, url+"/readyz", http.StatusOK)
	log.await(t, "serves again")
	code, stderr := stop()
	if code != 0 || strings.Count(stderr, "\n") != 2 || strings.Count(stderr, "level=WARN") != 1 ||
		!strings.Contains(stderr, "refused") || !strings.Contains(stderr, `level=INFO msg="Redis serves again"`) {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestAPortInUse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	t.Setenv("API_ADDR", listener.Addr().String())
	var stderr strings.Builder
	code := run(t.Context(), nil, io.Discard, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "API_ADDR") || !strings.Contains(stderr.String(), "in use") {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}

// TestSignals runs the program as a process of its own.
func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asProgram+"=1", "API_ADDR=127.0.0.1:0")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		url := addressOf(t, stdout)
		if code, body := status(t, url+"/healthz"); code != http.StatusOK {
			t.Errorf("/healthz: %d %s", code, body)
		}
		http.DefaultClient.CloseIdleConnections()
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil || strings.Count(stderr.String(), "\n") > 1 || stderr.Len() > 0 && !strings.Contains(stderr.String(), "Redis cannot serve") {
			t.Errorf("%v: %v, stderr %q", sig, err, stderr.String())
		}
	}
}
