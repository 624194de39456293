package main

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
)

// serveTarget listens on an address and answers GET /SIZE with a body of that many
// bytes, and GET /count with the number of these answers. It reads no more of
// HTTP/1.1 than the load needs, so that it leaves the processor to those who are
// measured.
func serveTarget(args []string) error {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	var served atomic.Int64
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go serve(c, &served)
	}
}

// serve answers the requests of one connection until it ends.
func serve(c net.Conn, served *atomic.Int64) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	answers := map[string][]byte{} // by path
	for {
		first, err := in.ReadString('\n')
		if err != nil {
			return
		}
		for line := first; strings.TrimSpace(line) != ""; {
			if line, err = in.ReadString('\n'); err != nil {
				return
			}
		}
		path, _, _ := strings.Cut(strings.TrimPrefix(first, "GET /"), " ")
		if path == "count" {
			_, err = c.Write(answer(strconv.FormatInt(served.Load(), 10)))
		} else {
			if answers[path] == nil {
				size, _ := strconv.Atoi(path)
				answers[path] = answer(strings.Repeat("x", size))
			}
			served.Add(1)
			_, err = c.Write(answers[path])
		}
		if err != nil {
			return
		}
	}
}

func answer(body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}
