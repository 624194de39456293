package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// wrk is the program of that name, with one thread, as the Go worker is busy on one
// core too.
func (b *bench) wrk(s settings) *exec.Cmd {
	return exec.Command("wrk", "-t1", fmt.Sprintf("-c%d", s.users), fmt.Sprintf("-d%ds", int(s.length.Seconds())), string(b.target)+"/")
}

func (b *bench) bare(s settings) *exec.Cmd {
	return exec.Command(b.self, "bare", strings.TrimPrefix(string(b.target), "http://"), strconv.Itoa(s.users), s.length.String())
}

// measureProgram is measure for a program that ends by itself.
func (b *bench) measureProgram(ctx context.Context, c contender, s settings) (int64, time.Duration, error) {
	served, err := b.served(ctx)
	if err != nil {
		return 0, 0, err
	}
	cmd := c.program(b, s)
	cmd.Env = append(os.Environ(), c.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, 0, fmt.Errorf("%w: %s", err, out)
	}
	after, err := b.served(ctx)
	if err == nil && after == served {
		err = errors.New("the target has served no request")
	}
	return after - served, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}

// runBare is the least that requests can cost a Go program: goroutines that write
// the same bytes and read as many as the first answer had.
func runBare(args []string) error {
	users, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	length, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	each, _ := strconv.ParseFloat(os.Getenv(paceVariable), 64)
	end := time.Now().Add(length)
	errs := make([]error, users)
	var wg sync.WaitGroup
	for i := range users {
		wg.Go(func() { errs[i] = bareUser(args[0], each, end) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func bareUser(address string, each float64, end time.Time) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	request := []byte("GET / HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: bare\r\nAccept-Encoding: gzip, deflate, br\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n")
	buf := make([]byte, 4<<10)
	size := 0
	for next := time.Now(); time.Now().Before(end); {
		if _, err := c.Write(request); err != nil {
			return err
		}
		if size == 0 {
			size, err = firstAnswer(c, buf)
		} else {
			_, err = io.ReadFull(c, buf[:size])
		}
		if err != nil {
			return err
		}
		if each > 0 {
			next = next.Add(time.Duration(float64(time.Second) / each))
			time.Sleep(time.Until(next))
		}
	}
	return nil
}

// firstAnswer reads a whole answer, whose body has the target's length, and returns
// how many bytes it has.
func firstAnswer(c net.Conn, buf []byte) (int, error) {
	n := 0
	for {
		more, err := c.Read(buf[n:])
		if err != nil {
			return 0, err
		}
		n += more
		if head := bytes.Index(buf[:n], []byte("\r\n\r\n")); head >= 0 && n >= head+4+len(page) {
			return n, nil
		}
	}
}
