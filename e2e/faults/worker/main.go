// Command worker is the Locust worker of the fault tests. Every request carries a name of its own, so that the target can
// tell which of them it has served.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

const (
	pause   = 50 * time.Millisecond
	timeout = 5 * time.Second
	// streamRate is how many iterations a second one user of Stream stands for.
	streamRate = 20
)

// A crew is what all users of the process share.
type crew struct {
	name    string
	users   atomic.Int64
	journal *os.File // one line for each failure that was recorded: the name of the request, and the error
}

// A hitter sends requests one after the other.
type hitter struct {
	httpuser.User
	crew *crew
	id   string
	sent int
}

func main() {
	c := &crew{name: os.Getenv("FAULTS_WORKER")}
	if name := os.Getenv("FAULTS_JOURNAL"); name != "" {
		var err error
		if c.journal, err = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	cfg := httpuser.Config{Timeout: timeout, MaxBody: 1 << 20}
	locustworker.Main(
		httpuser.NewClass("Hit", cfg, c.join).Wait(locustworker.Constant(pause)).Task("hit", 1, (*hitter).hit),
		httpuser.NewClass("Stream", cfg, c.join).
			ArrivalsWith(locustworker.ArrivalConfig{Rate: streamRate, MaxInFlight: 50}).
			Task("hit", 1, (*hitter).hit),
	)
}

func (c *crew) join(h *hitter) error {
	h.crew, h.id = c, fmt.Sprintf("%s-%d", c.name, c.users.Add(1))
	return nil
}

func (h *hitter) hit(ctx context.Context) error {
	h.sent++
	name := fmt.Sprintf("%s-%d", h.id, h.sent)
	res, err := h.Get(ctx, "/hit?id="+name, httpuser.Name("/hit"))
	if err == nil && !res.OK() && h.crew.journal != nil {
		line := name + "\t" + strings.ReplaceAll(res.Err.Error(), "\n", " ") + "\n"
		if _, werr := h.crew.journal.WriteString(line); werr != nil {
			return werr
		}
	}
	return err
}
