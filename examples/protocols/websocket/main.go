// Command websocket tests a chat over WebSocket: a user opens one connection and
// times how long each of its messages takes to come back.
package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/bandwing/bandwing/locustworker"
)

// A talker is one user with its connection.
type talker struct {
	*locustworker.User
	conn *websocket.Conn
	said int
}

func newTalker(u *locustworker.User) (*talker, error) { return &talker{User: u}, nil }

// OnStart connects. The time of the handshake is a row of its own.
func (t *talker) OnStart(ctx context.Context) error {
	url := "ws" + strings.TrimPrefix(t.Host(), "http") + "/chat"
	return t.measure(ctx, "connect", func(ctx context.Context) (length int, err error) {
		t.conn, _, err = websocket.Dial(ctx, url, nil)
		return 0, err
	})
}

func (t *talker) OnStop(context.Context) error {
	if t.conn == nil {
		return nil
	}
	return t.conn.Close(websocket.StatusNormalClosure, "")
}

func (t *talker) say(ctx context.Context) error {
	t.said++
	text := fmt.Sprintf("message %d of user %d", t.said, t.ID())
	return t.measure(ctx, "say", func(ctx context.Context) (int, error) {
		if err := t.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return 0, err
		}
		_, answer, err := t.conn.Read(ctx)
		if err == nil && string(answer) != text {
			err = fmt.Errorf("another message came back") //nolint:err113 // it is a row of the failures table
		}
		return len(answer), err
	})
}

// measure times an exchange and records it. An exchange that is on its way when the
// user is stopped gets the drain timeout, so that it is counted too. A user whose
// connection failed ends, and its successor connects anew.
func (t *talker) measure(ctx context.Context, name string, exchange func(context.Context) (int, error)) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(t.Client().DrainTimeout(), cancel) })
	defer stop()
	start := time.Now()
	length, err := exchange(limited)
	if limited.Err() != nil && ctx.Err() != nil {
		t.Client().Cut() // stopped, and no answer in time: not a failure of the service
		return ctx.Err()
	}
	t.Record(locustworker.Sample{Type: "WS", Name: name, ResponseTime: time.Since(start), Length: int64(length), Err: err})
	if err != nil {
		return locustworker.ErrStopUser
	}
	return nil
}

func main() {
	locustworker.Main(locustworker.NewClass("Talker", newTalker).
		Wait(locustworker.Constant(50*time.Millisecond)).
		Task("say", 1, (*talker).say))
}
