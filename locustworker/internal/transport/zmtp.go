package transport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// This file is the part of ZMTP 3.0 and 3.1 (rfc.zeromq.org/spec/23 and /37)
// that a DEALER and a ROUTER without encryption need.

const (
	greetingSize = 64
	mechanism    = "NULL"

	flagMore    = 1 << 0
	flagLong    = 1 << 1
	flagCommand = 1 << 2
	flagsKnown  = flagMore | flagLong | flagCommand

	// maxFrame bounds a frame in both directions, in bytes.
	maxFrame = 64 << 20
	// maxCommand bounds a command: READY holds a few short properties.
	maxCommand = 4 << 10
	// readStep is how much memory is taken ahead of the bytes that fill it.
	readStep = 64 << 10

	maxIdentity = 255
)

// errProtocol is wrapped by everything that a peer does against ZMTP.
var errProtocol = errors.New("the peer does not keep to ZMTP 3")

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errProtocol, fmt.Errorf(format, args...))
}

// greeting is the first thing that either side sends: ZMTP 3.1, NULL mechanism.
func greeting() []byte {
	g := make([]byte, greetingSize)
	g[0], g[9] = 0xff, 0x7f
	g[10], g[11] = 3, 1
	copy(g[12:32], mechanism)
	return g
}

func checkGreeting(g []byte) error {
	switch {
	case g[0] != 0xff || g[9]&1 != 1:
		return protocolError("no ZMTP signature in %q, is this a Locust master's port?", g[:10])
	case g[10] < 3:
		return protocolError("it speaks ZMTP %d", g[10])
	}
	if m := bytes.TrimRight(g[12:32], "\x00"); string(m) != mechanism {
		return protocolError("security mechanism %q, Locust has none", m)
	}
	return nil
}

// appendFrame appends the header of a frame and its body to b.
func appendFrame(b []byte, flags byte, body []byte) []byte {
	if len(body) > 255 {
		b = append(b, flags|flagLong)
		b = binary.BigEndian.AppendUint64(b, uint64(len(body)))
	} else {
		b = append(b, flags, byte(len(body)))
	}
	return append(b, body...)
}

// appendCommand appends a command frame.
func appendCommand(b []byte, name string, data []byte) []byte {
	body := make([]byte, 0, 1+len(name)+len(data))
	body = append(body, byte(len(name)))
	body = append(body, name...)
	body = append(body, data...)
	return appendFrame(b, flagCommand, body)
}

func splitCommand(body []byte) (name string, data []byte, err error) {
	if len(body) == 0 || len(body) < 1+int(body[0]) {
		return "", nil, protocolError("command of %d bytes without its name", len(body))
	}
	n := 1 + int(body[0])
	return string(body[1:n]), body[n:], nil
}

// readyCommand returns the command that ends a side's part of the handshake.
func readyCommand(socketType, identity string) []byte {
	var p []byte
	p = appendProperty(p, "Socket-Type", socketType)
	p = appendProperty(p, "Identity", identity)
	return appendCommand(nil, "READY", p)
}

func appendProperty(b []byte, name, value string) []byte {
	b = append(b, byte(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// parseReady returns what a peer says about itself in its READY command.
func parseReady(body []byte) (socketType, identity string, err error) {
	name, data, err := splitCommand(body)
	if err != nil {
		return "", "", err
	}
	switch name {
	case "READY":
	case "ERROR":
		if len(data) > 0 {
			data = data[1:]
		}
		return "", "", protocolError("it refused the connection: %q", data)
	default:
		return "", "", protocolError("command %q instead of READY", name)
	}
	for len(data) > 0 {
		var property, value []byte
		if property, data, err = take(data, 1); err != nil {
			return "", "", err
		}
		if value, data, err = take(data, 4); err != nil {
			return "", "", err
		}
		switch string(bytes.ToLower(property)) {
		case "socket-type":
			socketType = string(value)
		case "identity":
			identity = string(value)
		}
	}
	if len(identity) > maxIdentity {
		return "", "", protocolError("identity of %d bytes", len(identity))
	}
	return socketType, identity, nil
}

// take cuts a value off data that begins with its length in width bytes.
func take(data []byte, width int) (value, rest []byte, err error) {
	var n uint64
	if len(data) < width {
		return nil, nil, protocolError("property ends too early")
	}
	for _, b := range data[:width] {
		n = n<<8 | uint64(b)
	}
	data = data[width:]
	if n > uint64(len(data)) {
		return nil, nil, protocolError("property ends too early")
	}
	return data[:n], data[n:], nil
}

// frame is what a header says about the body that follows.
type frame struct {
	command bool
	more    bool
	size    int
}

func readHeader(r *bufio.Reader) (frame, error) {
	flags, err := r.ReadByte()
	if err != nil {
		return frame{}, err
	}
	f := frame{command: flags&flagCommand != 0, more: flags&flagMore != 0}
	if flags&^flagsKnown != 0 || f.command && f.more {
		return frame{}, protocolError("frame with flags 0x%02x", flags)
	}
	width := 1
	if flags&flagLong != 0 {
		width = 8
	}
	var size uint64
	for range width {
		b, err := r.ReadByte()
		if err != nil {
			return frame{}, inside(err)
		}
		size = size<<8 | uint64(b)
	}
	limit := uint64(maxFrame)
	if f.command {
		limit = maxCommand
	}
	if size > limit {
		return frame{}, protocolError("frame of %d bytes, the limit is %d", size, limit)
	}
	f.size = int(size)
	return f, nil
}

// readBody takes memory as the bytes come, not as a header promises them.
func readBody(r io.Reader, size int) ([]byte, error) {
	body := make([]byte, 0, min(size, readStep))
	for len(body) < size {
		if len(body) == cap(body) {
			body = append(make([]byte, 0, min(size, 2*cap(body))), body...)
		}
		n, err := io.ReadFull(r, body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err != nil {
			return nil, inside(err)
		}
	}
	return body, nil
}

// inside turns an end of the stream within a frame into an error of its own.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readMessage reads the next message and returns its first frame; further ones
// are read and dropped, as a Locust master does with those of a worker. Commands
// before and within it go to onCommand.
func readMessage(r *bufio.Reader, onCommand func(name string, data []byte) error) ([]byte, error) {
	var first []byte
	for began := false; ; {
		f, err := readHeader(r)
		if err != nil {
			if began {
				err = inside(err)
			}
			return nil, err
		}
		switch {
		case f.command:
			err = readCommand(r, f.size, onCommand)
		case began:
			_, err = io.CopyN(io.Discard, r, int64(f.size))
		default:
			first, err = readBody(r, f.size)
			began = true
		}
		if err != nil {
			return nil, inside(err)
		}
		if !f.command && !f.more {
			return first, nil
		}
	}
}

func readCommand(r io.Reader, size int, onCommand func(name string, data []byte) error) error {
	body, err := readBody(r, size)
	if err != nil {
		return err
	}
	name, data, err := splitCommand(body)
	if err != nil {
		return err
	}
	return onCommand(name, data)
}
