package transport

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzReadMessage feeds a stream of a peer: it is read to its end without a panic,
// and every message is contained in the stream.
func FuzzReadMessage(f *testing.F) {
	f.Add(appendFrame(nil, 0, []byte("short")))
	f.Add(appendFrame(nil, 0, payload(300)))
	f.Add(appendFrame(appendFrame(nil, flagMore, nil), 0, []byte("x")))
	f.Add(appendCommand(nil, "PING", []byte("\x00\x0acontext")))
	f.Add([]byte("\x02\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x03\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bufio.NewReader(bytes.NewReader(stream))
		for read := 0; ; {
			body, err := readMessage(r, func(name string, data []byte) error {
				if len(name)+len(data) > len(stream) {
					t.Fatalf("command of %d bytes", len(name)+len(data))
				}
				return nil
			})
			if err != nil {
				if !errors.Is(err, errProtocol) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatal(err)
				}
				return
			}
			if read += 2 + len(body); read > len(stream) || cap(body) > 2*len(stream)+readStep {
				t.Fatalf("%d bytes (capacity %d) of %d", read, cap(body), len(stream))
			}
		}
	})
}

// Conformance: T6, K7
func FuzzFrameRoundTrip(f *testing.F) {
	f.Add([]byte(nil), []byte("x"))
	f.Add(payload(255), payload(256))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		stream := appendFrame(appendFrame(nil, 0, first), 0, second)
		r := bufio.NewReader(bytes.NewReader(stream))
		for _, want := range [][]byte{first, second} {
			got, err := readMessage(r, nil)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("got %q, %v; want %q", got, err, want)
			}
		}
		if _, err := readMessage(r, nil); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	})
}

func FuzzParseReady(f *testing.F) {
	for _, command := range [][]byte{
		readyCommand("DEALER", "worker_1"), readyCommand("ROUTER", ""),
		appendCommand(nil, "ERROR", []byte("\x03bad")), appendCommand(nil, "READY", []byte("\x0bSocket-Type\xff\xff\xff\xff")),
	} {
		f.Add(command[2:])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		socket, identity, err := parseReady(body)
		if err != nil {
			if !errors.Is(err, errProtocol) || socket != "" || identity != "" {
				t.Fatalf("%q, %q, %v", socket, identity, err)
			}
			return
		}
		command := readyCommand(socket, identity)
		again, err := readHeader(bufio.NewReader(bytes.NewReader(command)))
		if err != nil {
			t.Fatal(err)
		}
		s, i, err := parseReady(command[len(command)-again.size:])
		if err != nil || s != socket || i != identity {
			t.Fatalf("%q, %q, %v; want %q, %q", s, i, err, socket, identity)
		}
	})
}

func FuzzGreeting(f *testing.F) {
	f.Add(greeting())
	f.Add([]byte(zmtpGreeting(2, "NULL")))
	f.Add([]byte("HTTP/1.1 400"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		g := make([]byte, greetingSize)
		err := readGreeting(bufio.NewReader(bytes.NewReader(stream)), g)
		good := len(stream) >= greetingSize && stream[0] == 0xff && stream[9]&1 == 1 && stream[10] >= 3 &&
			bytes.Equal(stream[12:32], greeting()[12:32])
		if (err == nil) != good {
			t.Fatalf("%q: %v", stream, err)
		}
	})
}
