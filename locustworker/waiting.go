package locustworker

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// masterExpected is how long a program waits for its master before it says so: one that
// is there answers within milliseconds.
const masterExpected = 500 * time.Millisecond

// warnOfWaiting says once whom the worker waits for, unless a master takes it in
// soon or ctx ends.
func (w *Worker) warnOfWaiting(ctx context.Context) {
	timer := time.NewTimer(masterExpected)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	if w.Snapshot().Link == LinkRegistered {
		return
	}
	w.cfg.Logger.Warn(fmt.Sprintf("waiting for a Locust master at %s. Start one with the locustfile that the command `stub` prints "+
		"(locust --master -f locustfile.py), name another one with --master-host and --master-port, or run without a master: "+
		"--headless --users 10 --spawn-rate 1",
		net.JoinHostPort(w.cfg.MasterHost, strconv.Itoa(w.cfg.MasterPort))))
}
