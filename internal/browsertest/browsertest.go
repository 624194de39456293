// Package browsertest shows pages in a headless Chromium in tests, as people see them.
//
// What is missing is a failure, never a skip: install it with `make deps-dev`.
package browsertest

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
)

// timeout is how long Chromium may be silent while something is waited for.
const timeout = 60 * time.Second

// Browser is a headless Chromium with one page, driven over a pair of pipes by the Chrome DevTools Protocol.
type Browser struct {
	t       *testing.T
	in      *os.File
	pipe    *os.File
	out     *bufio.Reader // of pipe
	session string
	last    int

	// Events is what the page has reported since Open, in order.
	Events []Event
}

// Event is one of the Chrome DevTools Protocol.
type Event struct {
	Method string
	Params json.RawMessage
}

// Start starts the program, and ends it with the test. Its methods fail the test when they fail, and must not be called
// concurrently.
func Start(t *testing.T) *Browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("chromium is not installed, run `make deps-dev`: %v", err)
	}
	theirIn, in := pipe(t)
	out, theirOut := pipe(t)
	dir := t.TempDir()
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--disable-background-networking", "--user-data-dir="+dir, "--window-size=1000,1400",
		"--remote-debugging-pipe", "about:blank")
	cmd.Env = append(cmd.Environ(), "HOME="+dir)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4
	proc, err := proctest.Start(cmd, filepath.Join(t.TempDir(), "chromium.log"))
	if err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &Browser{t: t, in: in, pipe: out, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		fmt.Fprintf(in, `{"id":%d,"method":"Browser.close"}`+"\x00", b.last+1)
		select {
		case <-proc.Done():
		case <-time.After(10 * time.Second):
		}
		proc.Stop(5 * time.Second)
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

// call sends a command and reads until its answer has come.
func (b *Browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.last++
	message := map[string]any{"id": b.last, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(text, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		answer := b.read()
		if answer.ID != b.last {
			continue
		}
		if answer.Error != nil {
			b.t.Fatalf("%s: %s", method, answer.Error)
		}
		if result == nil {
			return
		}
		if err := json.Unmarshal(answer.Result, result); err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		return
	}
}

type browserMessage struct {
	Event
	ID            int
	Result, Error json.RawMessage
}

func (b *Browser) read() browserMessage {
	b.t.Helper()
	_ = b.pipe.SetReadDeadline(time.Now().Add(timeout))
	text, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
	var m browserMessage
	if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
		b.t.Fatalf("chromium says %q: %v", text, err)
	}
	if m.Method != "" {
		b.Events = append(b.Events, m.Event)
	}
	return m
}

// Open shows a page and blocks until it is loaded.
func (b *Browser) Open(url string) {
	b.t.Helper()
	b.Events = nil
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	for {
		for _, e := range b.Events {
			if e.Method == "Page.loadEventFired" {
				return
			}
		}
		b.read()
	}
}

// Eval runs JavaScript in the page, waits for what it promises and returns that as text.
func (b *Browser) Eval(script string) string {
	b.t.Helper()
	var reply struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &reply)
	if reply.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", script, reply.ExceptionDetails)
	}
	return fmt.Sprint(reply.Result.Value)
}

// Screenshot returns the whole page as a PNG.
func (b *Browser) Screenshot() []byte {
	b.t.Helper()
	var reply struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &reply)
	png, err := base64.StdEncoding.DecodeString(reply.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}
