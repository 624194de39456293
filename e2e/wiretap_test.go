package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// A wiretap stands between a worker and its master and reads what the worker
// says: ZMTP 3 frames of msgpack.
type wiretap struct {
	t        *testing.T
	listener net.Listener
	target   string
	wg       sync.WaitGroup

	mu       sync.Mutex
	conns    []net.Conn
	messages []wireMessage
	err      error
}

// A wireMessage is one message of a worker.
type wireMessage struct {
	Type string
	Data any
	Node string
}

func newWiretap(t *testing.T, masterPort int) *wiretap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{t: t, listener: l, target: fmt.Sprintf("127.0.0.1:%d", masterPort)}
	w.wg.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.mu.Lock()
		for _, c := range w.conns {
			_ = c.Close()
		}
		w.mu.Unlock()
		w.wg.Wait()
	})
	return w
}

func (w *wiretap) port() string {
	_, port, _ := net.SplitHostPort(w.listener.Addr().String())
	return port
}

// heard returns the messages so far, and what could not be read.
func (w *wiretap) heard() ([]wireMessage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]wireMessage(nil), w.messages...), w.err
}

func (w *wiretap) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, client, server)
		w.mu.Unlock()
		w.wg.Go(func() {
			_, _ = io.Copy(client, server) // ends with the connection
			_ = client.Close()
		})
		w.wg.Go(func() { w.listen(client, server) })
	}
}

// listen passes the worker's bytes on and reads them.
func (w *wiretap) listen(client, server net.Conn) {
	defer func() { _ = server.Close() }()
	err := w.read(bufio.NewReader(io.TeeReader(client, server)))
	if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrUnexpectedEOF) {
		w.mu.Lock()
		w.err = errors.Join(w.err, err)
		w.mu.Unlock()
		_, _ = io.Copy(server, client)
	}
}

// read takes a connection's frames apart until it ends (RFC 23/ZMTP 3).
func (w *wiretap) read(r *bufio.Reader) error {
	const greeting, command, long, more = 64, 4, 2, 1
	if _, err := r.Discard(greeting); err != nil {
		return err
	}
	for {
		flags, err := r.ReadByte()
		if err != nil {
			return err
		}
		var size uint64
		if flags&long != 0 {
			err = binary.Read(r, binary.BigEndian, &size)
		} else {
			var short byte
			short, err = r.ReadByte()
			size = uint64(short)
		}
		if err != nil {
			return err
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return err
		}
		switch {
		case flags&command != 0:
		case flags&more != 0:
			return fmt.Errorf("a message of more than one frame: %q", body)
		default:
			if err := w.take(body); err != nil {
				return err
			}
		}
	}
}

func (w *wiretap) take(body []byte) error {
	d := msgpack.NewDecoder(bytes.NewReader(body))
	d.SetMapDecoder(func(d *msgpack.Decoder) (any, error) { return d.DecodeUntypedMap() })
	message, err := d.DecodeInterface()
	if err != nil {
		return fmt.Errorf("not msgpack: %w: %.200q", err, body)
	}
	parts, _ := message.([]any)
	if len(parts) != 3 {
		return fmt.Errorf("not an array of 3: %.200q", body)
	}
	kind, isText := parts[0].(string)
	node, isName := parts[2].(string)
	if !isText || !isName {
		return fmt.Errorf("type and node are %T and %T", parts[0], parts[2])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages = append(w.messages, wireMessage{Type: kind, Data: parts[1], Node: node})
	return nil
}
