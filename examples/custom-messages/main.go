// Command custom-messages asks the master for vouchers and tells it when it has
// used them.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// A client redeems vouchers that the master deals out.
type client struct {
	httpuser.User
	vouchers <-chan string
}

func (c *client) redeem(ctx context.Context) error {
	var voucher string
	select {
	case voucher = <-c.vouchers:
	case <-ctx.Done(): // the user was stopped while it waited
		return ctx.Err()
	}
	if _, err := c.Post(ctx, "/vouchers/"+voucher, httpuser.Name("/vouchers/[code]")); err != nil {
		return err
	}
	return c.Environment().SendMessage("redeemed", map[string]any{"voucher": voucher})
}

// take handles the master's answer: a list of vouchers. The users of a spawn that
// the master sends later start when it has returned.
func take(vouchers chan<- string) func(*locustworker.Environment, locustworker.Message) error {
	return func(_ *locustworker.Environment, m locustworker.Message) error {
		list, ok := m.Data.([]any)
		if !ok {
			return fmt.Errorf("vouchers: want a list, have %T", m.Data)
		}
		for _, v := range list {
			vouchers <- fmt.Sprint(v)
		}
		return nil
	}
}

func main() {
	vouchers := make(chan string, 10_000) // more than the master sends at once
	class := httpuser.NewClass("Client", httpuser.Config{}, func(c *client) error { c.vouchers = vouchers; return nil }).
		Wait(locustworker.Constant(50*time.Millisecond)).
		Task("redeem", 1, (*client).redeem)
	locustworker.MainConfig(locustworker.Config{
		Messages: map[string]locustworker.MessageHandler{"vouchers": {Handle: take(vouchers)}},
		Events: locustworker.Events{TestStart: func(_ context.Context, env *locustworker.Environment) error {
			return env.SendMessage("need_vouchers", 100)
		}},
	}, class)
}
