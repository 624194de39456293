package uplink

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// A Config says which master an Uplink talks to, and who owns it.
type Config struct {
	// Addr is the master's host:port, resolved anew at each attempt.
	Addr string
	// Dial connects to it. Default: Dial of this package.
	Dial DialFunc
	Log  *slog.Logger
	// JoinAttempts is how many client_ready a worker that has met no master sends.
	// Default 0: no limit.
	JoinAttempts int
	// SilenceLimit is how long a connection is kept on which the master says
	// nothing. Default and least: 60 s (Locust's MASTER_HEARTBEAT_TIMEOUT).
	SilenceLimit time.Duration

	// Post has a function called in the owner's goroutine, or drops it when the
	// owner has ended.
	Post func(func())
	// Heartbeat makes the next heartbeat. It is called in a goroutine of the
	// writer's.
	Heartbeat func() wire.Heartbeat
	// Users returns the users of each class, and their sum, for a report.
	Users func() (map[string]int, int)

	// What follows is called in the owner's goroutine and must not block.

	// Acked follows an ack that gives the worker an index.
	Acked func(index int)
	// Registered follows the link's becoming Registered.
	Registered func(Registration)
	// Unknown says that the master does not know the worker any more. The owner
	// ends its run and calls Rejoin.
	Unknown func()
	// Answered follows each answer to a heartbeat, after the ledger was settled.
	Answered func()
	// Received gets every message that is not of the link's own.
	Received func(wire.Envelope)
	// Renamed follows a change of Identity.
	Renamed func(identity string)
	// Lost gets the number of samples that are given up: of a report that cannot be
	// sent.
	Lost func(samples int64)
}

// A Registration says how the link has become Registered.
type Registration struct {
	// Joined is whether the master has taken the worker in; else it has recognised
	// it.
	Joined bool
	// Another is whether it is another master than the last one. What was not
	// delivered to that was discarded: so many samples.
	Another   bool
	Discarded int64
}

// minSilence is Locust's MASTER_HEARTBEAT_TIMEOUT.
const minSilence = time.Minute

// An Uplink is a worker's side of the link to its master. Its methods belong to the
// owner's goroutine, except where noted.
type Uplink struct {
	cfg    Config
	log    *slog.Logger
	queue  *queue
	ledger ledger
	dialer *dialer
	ctx    context.Context //nolint:containedctx // of Start
	tasks  sync.WaitGroup  // all goroutines but the writer's

	state      State
	standing   standing
	identity   string
	index      int // -1: none given
	conn       Conn
	writer     *writer
	timer      *time.Timer
	answers    int64     // heartbeat answers on this connection
	dialed     int       // connections under this identity
	joins      int       // client_ready without an ack
	recognised bool      // a heartbeat was answered before the ack to client_ready
	probes     int       // connections in a row on which none came
	lastAnswer time.Time // when a master last showed that it knew the worker
	lastSign   time.Time // when it last said anything
	health     health
}

// New returns the link of a worker that has not met a master.
func New(cfg Config) *Uplink {
	if cfg.Dial == nil {
		cfg.Dial = Dial
	}
	cfg.SilenceLimit = max(cfg.SilenceLimit, minSilence)
	u := &Uplink{
		cfg: cfg, log: cfg.Log, queue: newQueue(), index: -1, lastSign: time.Now(),
		timer: time.NewTimer(time.Hour),
	}
	u.timer.Stop()
	u.dialer = &dialer{
		dial: cfg.Dial, addr: cfg.Addr, log: cfg.Log, redial: make(chan string, 1),
		up:    func(c Conn) { cfg.Post(func() { u.connected(c) }) },
		frame: func(c Conn, frame []byte) { cfg.Post(func() { u.received(c, frame) }) },
		down:  func(c Conn) { cfg.Post(func() { u.disconnected(c, lost) }) },
	}
	u.setIdentity(NewIdentity())
	return u
}

// Start begins to connect to the master, again after every loss, until ctx ends.
// Call it once.
func (u *Uplink) Start(ctx context.Context) {
	u.ctx = ctx
	u.dialer.redial <- u.identity
	u.tasks.Go(func() { u.dialer.run(ctx) })
}

// Close ends the connection and delivers what was written to it, for at most 2 s.
// Call it last, when Post drops what it gets; then end the context of Start and
// Wait.
func (u *Uplink) Close() {
	u.timer.Stop()
	if u.conn != nil {
		_ = u.conn.Close()
		u.writer.close()
	}
	u.state = Down
}

// Wait returns when no goroutine of the link is left, after Close and the end of
// Start's context.
func (u *Uplink) Wait() { u.tasks.Wait() }

// State returns what worker and master know of each other.
func (u *Uplink) State() State { return u.state }

// Identity returns the name under which the master knows the worker.
func (u *Uplink) Identity() string { return u.identity }

// LastSign returns when the master last said anything, or when it was last not
// expected to.
func (u *Uplink) LastSign() time.Time { return u.lastSign }

// Idle reports whether the link is Registered and every report has arrived.
func (u *Uplink) Idle() bool { return u.state == Registered && len(u.ledger.pending) == 0 }

// Proven reports whether every report is proven to have arrived.
func (u *Uplink) Proven() bool { return len(u.ledger.pending)+len(u.ledger.doubtful) == 0 }

// Resumed reports whether samples of an interrupted run are on their way to the
// master that it belongs to.
func (u *Uplink) Resumed() bool { return u.standing == resumed }

// Confirmed returns how many samples are proven to have arrived.
func (u *Uplink) Confirmed() int64 { return u.ledger.confirmed }

// Open returns how many samples, and how many failures among them, were reported
// and are not proven to have arrived.
func (u *Uplink) Open() (samples, failures int64) {
	return u.ledger.open(), u.ledger.openFailures()
}

// Send queues a message, which goes out in order when the link is Registered. It is
// encoded now: what the caller does to its parts later changes nothing. A custom
// message and an exception are refused with ErrFull; the other errors are
// ErrTooLong and those of wire.Encode. Safe for concurrent use.
func (u *Uplink) Send(m wire.Outbound) error {
	e, err := wire.EncodeBody(m)
	if err != nil {
		return err
	}
	const identityBytes = 300 // a header and the longest identity
	if e.Len()+identityBytes > wire.MaxFrame {
		return fmt.Errorf("%w: %d bytes; %d are possible", ErrTooLong, e.Len(), wire.MaxFrame-identityBytes)
	}
	switch m.(type) {
	case wire.Custom, wire.Exception:
		return u.queue.pushBounded(item{message: e})
	}
	u.queue.push(item{message: e})
	return nil
}

// send is Send for messages of the worker's own, which have no faults.
func (u *Uplink) send(m wire.Outbound, written chan struct{}) {
	e, err := wire.EncodeBody(m)
	if err != nil {
		u.log.Error("dropped a message that cannot be encoded", "error", err)
		return
	}
	u.queue.push(item{message: e, written: written})
}

// Beat queues a heartbeat, in order with the other messages: its answer proves what
// was queued before.
func (u *Uplink) Beat() { u.send(u.cfg.Heartbeat(), nil) }

// Quit queues the last message. The channel is closed when it is on the wire.
func (u *Uplink) Quit() <-chan struct{} {
	written := make(chan struct{})
	u.send(wire.Quit{}, written)
	return written
}

// Report queues a report and keeps it until it is proven to have arrived. extra is
// what wire.EncodeExtra gives; it stays with this report. A large report goes out
// as several, of which the first has extra.
func (u *Uplink) Report(r stats.Report, extra map[string]any) {
	users := u.users()
	if r.Empty() && len(extra) == 0 {
		u.send(statsMessage(&delivery{report: r}, users), nil)
		return
	}
	for _, part := range r.Split(maxReport, entrySize, errorSize) {
		u.queue.push(item{delivery: u.ledger.add(part, extra), users: users})
		extra = nil
	}
}

func (u *Uplink) users() userCounts {
	byClass, sum := u.cfg.Users()
	return userCounts{maps.Clone(byClass), sum}
}

// resend puts reports ahead of everything that waits, with the users of now.
func (u *Uplink) resend(again []*delivery) {
	users := u.users()
	items := make([]item, 0, len(again))
	for _, d := range again {
		items = append(items, item{delivery: u.ledger.add(d.report, d.extra), users: users})
	}
	if len(items) > 0 {
		u.queue.pushFront(items...)
	}
}

// Discard drops every report that is not proven to have arrived and returns how
// many samples they have.
func (u *Uplink) Discard() int64 {
	u.queue.dropReports()
	return u.ledger.discard()
}

// unsendable gives up a report that no frame can hold. Called by the writer.
func (u *Uplink) unsendable(d *delivery, err error) {
	u.cfg.Post(func() {
		n := u.ledger.remove(d)
		u.log.Error("gave up a part of a report that cannot be sent", "samples", n, "first_row", firstRow(d.report), "error", err)
		u.cfg.Lost(n)
	})
}

func firstRow(r stats.Report) string {
	const enough = 100
	if len(r.Entries) == 0 {
		return ""
	}
	name := r.Entries[0].Name
	return name[:min(len(name), enough)]
}
