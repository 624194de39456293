package transport

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// router is a real libzmq ROUTER (testdata/router.py). It ends when its stdin
// is closed, also because this process is gone.
type router struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	addr  string
	ended bool
}

// received is a line of its output.
type received struct {
	Port     int
	Identity string
	Frames   [][2]any
}

func startRouter(t *testing.T, args ...string) *router {
	t.Helper()
	r := &router{t: t, cmd: exec.Command(pythontest.Interpreter(t), append([]string{"testdata/router.py"}, args...)...)}
	var stderr bytes.Buffer
	r.cmd.Stderr = &stderr
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.out = bufio.NewScanner(out)
	t.Cleanup(func() {
		r.stop()
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("router.py: %s", stderr.String())
		}
	})
	r.addr = fmt.Sprintf("127.0.0.1:%d", r.next().Port)
	return r
}

func (r *router) stop() {
	if r.ended {
		return
	}
	r.ended = true
	_ = r.in.Close()
	ended := time.AfterFunc(waitLimit, func() { _ = r.cmd.Process.Kill() })
	defer ended.Stop()
	_ = r.cmd.Wait()
}

// next is what the router says next.
func (r *router) next() received {
	r.t.Helper()
	if !r.out.Scan() {
		r.t.Fatalf("router.py has ended (%v): run make deps if something is missing", r.out.Err())
	}
	var line received
	if err := json.Unmarshal(r.out.Bytes(), &line); err != nil {
		r.t.Fatalf("%v: %s", err, r.out.Bytes())
	}
	return line
}

func (r *router) order(format string, args ...any) {
	r.t.Helper()
	if _, err := fmt.Fprintf(r.in, format+"\n", args...); err != nil {
		r.t.Fatal(err)
	}
}

func (r *router) dial(identity string) *Conn {
	r.t.Helper()
	c, err := Dial(soon(r.t), r.addr, identity)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Abort() })
	return c
}

// want checks that the router got one frame from that identity.
func (r *router) want(identity string, frame []byte) {
	r.t.Helper()
	sum := sha256.Sum256(frame)
	got := r.next()
	want := received{Identity: identity, Frames: [][2]any{{float64(len(frame)), hex.EncodeToString(sum[:])}}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Fatalf("the ROUTER got %v, want %v", got, want)
	}
}

// echo sends a frame and waits for the router to have it and to send it back.
func (r *router) echo(c *Conn, identity string, frame []byte) {
	r.t.Helper()
	mustSend(r.t, c, frame)
	r.want(identity, frame)
	if got := mustRecv(r.t, c); !bytes.Equal(got, frame) {
		r.t.Fatalf("got %d bytes back, want the %d that were sent", len(got), len(frame))
	}
}

// Conformance: T1, K8
func TestLibzmqFramesBothWays(t *testing.T) {
	r := startRouter(t)
	c := r.dial("host_é_1")
	sizes := []int{0, 1, 255, 256, 70_000, 5 << 20}
	for _, size := range sizes {
		r.echo(c, "host_é_1", payload(size))
	}
	for _, size := range sizes {
		r.order(`{"to": "host_é_1", "size": %d}`, size)
	}
	for _, size := range sizes {
		if got := mustRecv(t, c); !bytes.Equal(got, payload(size)) {
			t.Errorf("size %d: got %d bytes, or other ones", size, len(got))
		}
	}
	// the app's side of a libzmq DEALER would see two frames here
	r.order(`{"to": "host_é_1", "size": 300, "frames": 2}`)
	r.order(`{"to": "host_é_1", "size": 7}`)
	for _, size := range []int{300, 7} {
		if got := mustRecv(t, c); len(got) != size {
			t.Errorf("got %d bytes, want %d", len(got), size)
		}
	}
}

func TestLibzmqManyWorkers(t *testing.T) {
	r := startRouter(t)
	var conns []*Conn
	for i := range 20 {
		conns = append(conns, r.dial(fmt.Sprintf("worker_%d", i)))
	}
	for round := range 3 {
		for i, c := range conns {
			r.echo(c, fmt.Sprintf("worker_%d", i), fmt.Appendf(nil, "%d of %d", round, i))
		}
	}
}

// heard dials until the ROUTER answers. It may be deaf to a connection that comes
// right after the end of another with the same identity: it lets go of the old one
// only when its program has run, which nobody can see from here.
func (r *router) heard(identity string) *Conn {
	r.t.Helper()
	for end := time.Now().Add(waitLimit); time.Now().Before(end); {
		c := r.dial(identity)
		mustSend(r.t, c, []byte("hello"))
		_ = c.nc.SetReadDeadline(time.Now().Add(250 * time.Millisecond))
		frame, err := c.Recv()
		if err == nil && string(frame) == "hello" {
			_ = c.nc.SetReadDeadline(time.Time{})
			return c
		}
		_ = c.Close()
	}
	r.t.Fatalf("%q was not heard within %v", identity, waitLimit)
	return nil
}

// What was sent before Close arrives, and the same identity is heard again.
func TestLibzmqReconnects(t *testing.T) {
	r := startRouter(t)
	for i := range 30 {
		c := r.heard("worker_1")
		last := payload(1000 + i)
		mustSend(t, c, last)
		_ = c.Close()
		for line := r.next(); line.Frames[0][0] != float64(1000+i); line = r.next() {
			if line.Identity != "worker_1" || line.Frames[0][0] != float64(len("hello")) {
				t.Fatalf("the ROUTER got %v", line)
			}
		}
	}
}

// T8: a ROUTER is deaf to a second connection of an identity that it knows, even
// when the first has ended. A third one is heard.
//
// Conformance: T8
func TestLibzmqHalfOpen(t *testing.T) {
	r := startRouter(t)
	first := r.dial("worker_1")
	r.echo(first, "worker_1", []byte("first"))
	second := r.dial("worker_1")
	mustSend(t, second, []byte("into the void"))
	for i := range 20 {
		r.echo(first, "worker_1", fmt.Appendf(nil, "first %d", i))
	}
	_ = first.Close()
	third := r.heard("worker_1")
	_ = second.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	if frame, err := second.Recv(); err == nil {
		t.Errorf("the second connection got %q", frame)
	}
	mustSend(t, third, []byte("third"))
	if got := mustRecv(t, third); string(got) != "third" {
		t.Errorf("got %q", got)
	}
}

// libzmq drops a connection whose PINGs are not answered: five times in a row
// they are, while this side does nothing but wait in Recv.
func TestLibzmqHeartbeats(t *testing.T) {
	r := startRouter(t, "50", "200")
	c := r.dial("worker_1")
	mustSend(t, c, []byte("hello"))
	r.want("worker_1", []byte("hello"))
	_ = mustRecv(t, c)
	r.order(`{"to": "worker_1", "size": 3, "after": 0.3}`)
	r.order(`{"to": "worker_1", "size": 4, "after": 0.8}`)
	for _, size := range []int{3, 4} {
		if got := mustRecv(t, c); len(got) != size {
			t.Errorf("got %d bytes, want %d", len(got), size)
		}
	}
}

func TestLibzmqEnds(t *testing.T) {
	r := startRouter(t)
	c := r.dial("worker_1")
	r.echo(c, "worker_1", []byte("hello"))
	_ = r.cmd.Process.Kill()
	r.stop()
	wantDown(t, c)
	if n, ok := c.Acked(); ok && n != c.Sent() {
		t.Errorf("acked %d of %d", n, c.Sent())
	}
	if _, err := Dial(soon(t), r.addr, "worker_1"); err == nil || errors.Is(err, ErrDown) {
		t.Errorf("dial of a dead router: %v", err)
	}
}
