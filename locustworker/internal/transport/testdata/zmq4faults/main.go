// Zmq4faults shows what github.com/go-zeromq/zmq4 v0.17.0 does where a worker
// needs something else; docs/internals/transport.md draws the conclusion. Each line is
// observed, not looked up. Run it with: go run .
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "hostile" {
		hostileLength()
		return
	}
	fmt.Println("socket API (NewDealer, Dial, Send, Recv):")
	deadLink()
	recvAfterEOF()
	dialGivesUp()
	handshakeIgnoresContext()
	leaks()
	fmt.Println("connection API (zmq4.Open over our own TCP connection):")
	interleaving()
	pong()
	out, err := exec.Command(os.Args[0], "hostile").CombinedOutput()
	fmt.Printf("  frame header of 2^62 bytes: %v: %s\n", err, firstLine(out))
}

func firstLine(out []byte) string {
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return string(line)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	return l
}

func quiet() zmq4.Option { return zmq4.WithLogger(log.New(io.Discard, "", 0)) }

// connected returns a zmq4 DEALER and the ROUTER's raw TCP end.
func connected(ctx context.Context) (zmq4.Socket, net.Conn) {
	l := listen()
	defer l.Close()
	raw := make(chan net.Conn, 1)
	go func() {
		nc, err := l.Accept()
		check(err)
		_, err = zmq4.Open(nc, null.Security(), zmq4.Router, nil, true, nil)
		check(err)
		raw <- nc
	}()
	dealer := zmq4.NewDealer(ctx, zmq4.WithID(zmq4.SocketIdentity("w")), quiet())
	check(dealer.Dial("tcp://" + l.Addr().String()))
	return dealer, <-raw
}

func deadLink() {
	dealer, raw := connected(context.Background())
	check(raw.(*net.TCPConn).SetLinger(0))
	check(raw.Close())
	time.Sleep(300 * time.Millisecond)
	lost := 0
	for range 100 {
		if dealer.Send(zmq4.NewMsg([]byte("report"))) == nil {
			lost++
		}
	}
	fmt.Printf("  Send 300 ms after the peer reset the link: %d of 100 return nil\n", lost)
	_ = dealer.Close()
}

func recvAfterEOF() {
	dealer, raw := connected(context.Background())
	check(raw.Close())
	_, first := dealer.Recv()
	second := make(chan error, 1)
	go func() {
		_, err := dealer.Recv()
		second <- err
	}()
	select {
	case err := <-second:
		fmt.Printf("  Recv after the peer closed: %v, then %v\n", first, err)
	case <-time.After(5 * time.Second):
		fmt.Printf("  Recv after the peer closed: %v, then blocked for 5 s\n", first)
	}
	_ = dealer.Close()
}

func dialGivesUp() {
	l := listen()
	_ = l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := zmq4.NewDealer(context.Background(), quiet()).Dial("tcp://" + l.Addr().String())
	fmt.Printf("  Dial of a closed port: gives up after %.1f s (%v)\n", time.Since(start).Seconds(), err != nil)
	<-ctx.Done()
}

func handshakeIgnoresContext() {
	l := listen() // never accepts: the kernel completes TCP, nobody greets
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	done := make(chan struct{})
	go func() {
		_ = zmq4.NewDealer(ctx, quiet()).Dial("tcp://" + l.Addr().String())
		close(done)
	}()
	select {
	case <-done:
		fmt.Println("  Dial with a context of 100 ms, peer that never greets: returns")
	case <-time.After(5 * time.Second):
		fmt.Println("  Dial with a context of 100 ms, peer that never greets: still blocked after 5 s")
	}
}

func leaks() {
	before := stacks()
	ctx, cancel := context.WithCancel(context.Background())
	for range 20 {
		dealer, raw := connected(ctx)
		for range 20 { // nobody receives: its queue holds 10
			check(send(raw, "x"))
		}
		time.Sleep(20 * time.Millisecond)
		_ = dealer.Close()
		_ = raw.Close()
	}
	cancel()
	time.Sleep(time.Second)
	fmt.Printf("  goroutines of zmq4 left 1 s after Close of 20 sockets with unread frames: %d\n", stacks()-before)
}

func stacks() int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "qreader).listen(")
}

func send(nc net.Conn, frame string) error {
	_, err := nc.Write(append([]byte{0, byte(len(frame))}, frame...))
	return err
}

// open returns zmq4's connection and the raw peer of it.
func open() (*zmq4.Conn, net.Conn) {
	l := listen()
	defer l.Close()
	raw := make(chan net.Conn, 1)
	go func() {
		nc, err := l.Accept()
		check(err)
		_, err = zmq4.Open(nc, null.Security(), zmq4.Router, nil, true, nil)
		check(err)
		raw <- nc
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	check(err)
	c, err := zmq4.Open(nc, null.Security(), zmq4.Dealer, zmq4.SocketIdentity("w"), false, nil)
	check(err)
	return c, <-raw
}

// interleaving sends from two goroutines, as a heartbeat and a report would, or
// a report and the PONG that RecvMsg sends by itself.
func interleaving() {
	c, raw := open()
	var wg sync.WaitGroup
	for _, letter := range strings.Split("abcdefgh", "") {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 20000 {
				_ = c.SendMsg(zmq4.NewMsg([]byte(strings.Repeat(letter, 100))))
			}
		}()
	}
	go func() { wg.Wait(); _ = c.Close() }()
	for good := 0; ; good++ {
		frame := make([]byte, 102)
		if _, err := io.ReadFull(raw, frame); err != nil {
			fmt.Printf("  concurrent SendMsg: %d frames, none broken\n", good)
			return
		}
		body := string(frame[2:])
		if frame[0] != 0 || frame[1] != 100 || strings.Trim(body, body[:1]) != "" {
			fmt.Printf("  concurrent SendMsg: stream broken after %d frames (header and body are two writes without a lock)\n", good)
			_ = raw.Close()
			return
		}
	}
}

func pong() {
	c, raw := open()
	_, err := raw.Write([]byte("\x04\x0e\x04PING\x00\x0acontext"))
	check(err)
	msg, err := c.RecvMsg()
	check(err)
	reply := make([]byte, 64)
	check(raw.SetReadDeadline(time.Now().Add(time.Second)))
	n, _ := raw.Read(reply[:2])
	m, _ := io.ReadFull(raw, reply[2:2+int(reply[1])])
	fmt.Printf("  PING with the context %q: answered %q, and handed to the application as a message of %q\n", "context", reply[:n+m], msg.Frames)
}

func hostileLength() {
	c, raw := open()
	header := binary.BigEndian.AppendUint64([]byte{2}, 1<<62)
	_, err := raw.Write(header)
	check(err)
	_, err = c.RecvMsg()
	fmt.Println(err)
}
