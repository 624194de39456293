package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/bandwing/bandwing/api"
	"github.com/bandwing/bandwing/api/redisstore"
)

// serveCommand is the first argument of the process that is measured. The second is the address of Redis.
const serveCommand = "serve"

// gcPercent is what cmd/api sets.
const gcPercent = 400

// serve runs the service as cmd/api does, and beside it the bare route, until ctx ends. It prints both addresses.
func serve(ctx context.Context, redis string, stdout io.Writer) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	store, err := redisstore.New(redisstore.Config{Addr: redis})
	if err != nil {
		return err
	}
	defer store.Close()
	service, err := api.New(api.Config{}, store)
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/bare", func(c *gin.Context) {
		c.Data(http.StatusOK, "application/json; charset=utf-8", []byte(`{"status":"ok"}`))
	})
	e.GET("/cpu", func(c *gin.Context) { c.String(http.StatusOK, "%d", cpuTime()) })
	e.GET("/profile", gin.WrapF(pprof.Profile))
	serviceListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	bareListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	bare := &http.Server{Handler: e, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- bare.Serve(bareListener) }()
	fmt.Fprintf(stdout, "http://%s http://%s\n", serviceListener.Addr(), bareListener.Addr())
	err = service.Serve(ctx, serviceListener)
	bare.Close()
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// cpuTime is the user and system time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail with these arguments
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// service is the process that is measured.
type service struct {
	cmd       *exec.Cmd
	url, bare string
}

func startService(ctx context.Context, redis string) (*service, error) {
	cmd := exec.CommandContext(ctx, os.Args[0], serveCommand, redis)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	s := &service{cmd: cmd}
	if _, scanErr := fmt.Sscan(line, &s.url, &s.bare); err != nil || scanErr != nil {
		s.stop()
		return nil, fmt.Errorf("bench: the service did not start: %q", line)
	}
	return s, nil
}

func (s *service) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// prepare stores the document that the routes read.
func (s *service) prepare(ctx context.Context, document []byte) error {
	body := `{"id":"bench:doc",` + strings.TrimPrefix(strings.TrimSpace(string(document)), "{")
	_, err := s.ask(ctx, http.MethodPost, s.url+"/api/v1/redisjson", body)
	return err
}

func (s *service) cpu(ctx context.Context) (time.Duration, error) {
	text, err := s.ask(ctx, http.MethodGet, s.bare+"/cpu", "")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return time.Duration(n), err
}

func (s *service) ask(ctx context.Context, method, url, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("bench: %s %s: %d %.200s", method, url, resp.StatusCode, text)
	}
	return string(text), err
}
