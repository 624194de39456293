package locustworker

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// A Client is what the author of a protocol client needs of a user beside
// [User.Record] and [User.Context]: how long a request may go on after a stop, and
// what to count and to give back. Those who write tests with a ready client, such as
// httpuser, need none of it.
//
// A request of a client ends in one of three ways, so that requests served =
// recorded + cut:
//
//   - It was answered, or failed: Record, once.
//   - The user's context ended while it was on its way: the client waits for the
//     answer, for DrainTimeout at most, and records it. No answer: Cut, once.
//   - Nothing of it was sent: neither.
//
// The methods may be called from any goroutine, except AfterTask.
type Client struct{ user *User }

// Client returns the view of a user that its protocol client needs.
func (u *User) Client() Client { return Client{u} }

// Cut counts a request that was sent and of which no sample will ever be recorded,
// because the user was stopped first: see Counters.Cut.
func (c Client) Cut() { c.user.world.recorder.countCut() }

// DrainTimeout is how long a request that is in flight when the user's context ends
// may go on, so that its answer is still recorded (Config.DrainTimeout). New
// requests must not be sent after that end, except from OnStop.
func (c Client) DrainTimeout() time.Duration { return c.user.world.drain }

// TaskAborted returns the error of User.AbortTask for the task that the user runs, or
// nil: a client sends no request then, and returns an error that wraps it.
func (c Client) TaskAborted() error { return c.user.aborted(nil) }

// Watched reports whether somebody wants to see the user's exchanges (see Try); a
// client need not make them otherwise.
func (c Client) Watched() bool { return c.user.world.trial != nil }

// Show shows an exchange, where the user is watched. Call it before the Record that
// belongs to it. Nothing of e is kept.
func (c Client) Show(e Exchange) {
	if trial := c.user.world.trial; trial != nil {
		trial.show(e)
	}
}

// Connected counts a connection to the system under test as open until the
// function that it returns is called, once or more often: see
// Snapshot.Connections. That may be after the user's end too.
func (c Client) Connected() (closed func()) { return c.user.world.recorder.connected() }

// AfterTask has f called, as the user's own code, whenever a task, OnStart or
// OnStop has returned or panicked, before the wait begins: the place to give back
// what a user that waits must not keep. Call it in the class's constructor only. f
// must not block; a panic of it is dropped.
func (c Client) AfterTask(f func()) { c.user.afterTask(f) }

// EndTask calls what AfterTask registered. A worker does that by itself; it is for
// the tests of clients, whose users NewStandaloneUser makes.
func (c Client) EndTask() { c.user.endTask() }

// maxShown bounds what is shown of a body, in bytes.
const maxShown = 1000

// text writes an exchange for people.
func (e Exchange) text() string {
	text := "    " + e.URL + "\n" + indented(string(bytes.TrimSpace(e.RequestHead)), "    > ") + bodyText(e.RequestBody, "    > ")
	if e.Head == nil {
		return text
	}
	return text + indented(string(bytes.TrimSpace(e.Head)), "    < ") + bodyText(e.Body, "    < ")
}

// bodyText writes the beginning of a body, or its size if it is no text.
func bodyText(body []byte, prefix string) string {
	if len(body) == 0 {
		return ""
	}
	cut := body[:min(len(body), maxShown)]
	for n := 0; n < utf8.UTFMax && len(cut) < len(body) && !utf8.Valid(cut); n++ {
		cut = cut[:len(cut)-1] // in the middle of a character
	}
	if !utf8.Valid(cut) || bytes.IndexByte(cut, 0) >= 0 {
		return fmt.Sprintf("%s(%d bytes that are no text)\n", prefix, len(body))
	}
	text := indented(string(cut), prefix)
	if len(cut) < len(body) {
		text += fmt.Sprintf("%s… and %d bytes\n", prefix, len(body)-len(cut))
	}
	return text
}

// indented puts a prefix before each line.
func indented(text, prefix string) string {
	text = strings.ReplaceAll(strings.TrimRight(text, "\r\n"), "\r\n", "\n")
	if text == "" {
		return ""
	}
	return prefix + strings.ReplaceAll(text, "\n", "\n"+prefix) + "\n"
}
