package uplink

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// A loss breaks the link and mends it again.
type loss struct {
	name   string
	breaks func(o *owner, id string)
	lasts  time.Duration
	mends  func(o *owner, id string)
	news   Registration
	same   bool // the identity
	want   int64
}

func losses() []loss {
	return []loss{
		{
			"cut", func(o *owner, id string) { o.master.Cut(id) }, 0, func(*owner, string) {},
			Registration{},
			true, 30,
		},
		{
			"network gone", func(o *owner, _ string) { o.master.Stall() }, 40 * time.Second, func(o *owner, _ string) { o.master.Unstall() },
			Registration{Joined: true},
			true, 30,
		},
		{
			"another master", func(o *owner, _ string) { o.master.Close() }, 10 * time.Second, func(o *owner, _ string) { o.master.Reopen() },
			Registration{Joined: true, Another: true, Discarded: 20},
			true, 0,
		},
		{
			"the same master, which dropped the worker", func(o *owner, id string) { o.master.Stall(); o.master.Cut(id) }, 70 * time.Second,
			func(o *owner, id string) { o.master.Drop(id); o.master.Unstall() },
			Registration{Joined: true},
			true, 30,
		},
		{
			"half open", func(o *owner, id string) { o.master.Strand(id) }, 20 * time.Second, func(*owner, string) {},
			Registration{Joined: true},
			false, 30,
		},
		{
			"acknowledged and not passed on", func(o *owner, id string) { o.master.IgnoreWorker(id) }, 70 * time.Second, func(*owner, string) {},
			Registration{Joined: true},
			false, 30,
		},
	}
}

func TestStandings(t *testing.T) {
	for _, tt := range losses() {
		t.Run(tt.name, func(t *testing.T) {
			inMemory(t, func(o *owner) {
				id := o.master.WaitFor("client_ready", time.Minute).Worker
				o.report(10, nil)
				time.Sleep(time.Second)
				o.wantTotal(10)
				tt.breaks(o, id)
				o.report(20, nil)
				time.Sleep(tt.lasts)
				tt.mends(o, id)
				time.Sleep(10 * time.Second)
				if got := get(o, o.link.Identity); (got == id) != tt.same {
					t.Errorf("the identity is %s; it was %s", got, id)
				}
				o.do(func() {
					if last := o.news[len(o.news)-1]; last != tt.news {
						t.Errorf("registered with %+v; want %+v", last, tt.news)
					}
				})
				if tt.news.Another {
					if n := o.master.Totals().All.Requests; n != 0 {
						t.Errorf("another master got %d samples", n)
					}
					return
				}
				o.wantTotal(tt.want)
			})
		})
	}
}

// A network that is gone takes no new connection: the old one may come back to life
// with all that is in it, and is kept.
func TestAConnectionIsKeptWhileTheNetworkIsGone(t *testing.T) {
	inMemory(t, func(o *owner) {
		id := o.master.WaitFor("client_ready", time.Minute).Worker
		time.Sleep(time.Second)
		dials := len(o.master.Dials())
		o.master.Stall()
		time.Sleep(55 * time.Second)
		o.master.Unstall()
		time.Sleep(time.Second)
		if len(o.master.Dials()) == dials {
			t.Error("the worker never looked whether the machine takes connections")
		}
		if o.master.Connections(id) != 1 || o.state() != Registered {
			t.Errorf("%d connections, %v", o.master.Connections(id), o.state())
		}
	})
}

// No connection is looked at, and none given up, while a busy master's machine
// acknowledges.
func TestABusyMasterIsLeftAlone(t *testing.T) {
	inMemory(t, func(o *owner) {
		o.master.WaitFor("client_ready", time.Minute)
		time.Sleep(time.Second)
		dials := len(o.master.Dials())
		o.master.Pause()
		o.report(5, nil)
		time.Sleep(58 * time.Second)
		o.master.Resume()
		time.Sleep(time.Second)
		o.wantTotal(5)
		if n := len(o.master.Dials()); n != dials {
			t.Errorf("%d dials more", n-dials)
		}
	})
}

// Without knowledge of what is acknowledged only the silence counts.
func TestSilenceLimit(t *testing.T) {
	inMemory(t, func(o *owner) {
		o.master.WaitFor("client_ready", time.Minute)
		time.Sleep(time.Second)
		o.master.Pause()
		time.Sleep(58 * time.Second)
		if o.state() != Registered {
			t.Errorf("%v after 58s", o.state())
		}
		time.Sleep(5 * time.Second)
		if o.state() == Registered {
			t.Error("the connection is kept for more than a minute")
		}
		o.master.Resume()
	}, mastertest.HideAcks())
}

func TestAConnectionIsClosedWithoutBlocking(t *testing.T) {
	inMemory(t, func(o *owner) {
		o.master.WaitFor("client_ready", time.Minute)
		time.Sleep(time.Second)
		o.master.Pause() // it does not see the end of the connection
		from := time.Now()
		o.do(o.link.hangUp)
		if took := time.Since(from); took > 0 {
			t.Errorf("the owner was blocked for %v", took)
		}
		o.master.Resume()
		time.Sleep(5 * time.Second)
		if o.state() != Registered {
			t.Errorf("the link is %v", o.state())
		}
	})
}

func TestExtraIsSentAgainWithItsReport(t *testing.T) {
	inMemory(t, func(o *owner) {
		id := o.master.WaitFor("client_ready", time.Minute).Worker
		time.Sleep(time.Second)
		o.master.Stall()
		o.report(3, map[string]any{"mine": 1})
		o.report(0, map[string]any{"mine": 2}) // has no sample, and counts all the same
		time.Sleep(time.Second)
		o.master.Cut(id)
		o.master.Unstall()
		time.Sleep(5 * time.Second)
		o.wantTotal(3)
		var got []any
		for _, m := range o.master.OfType("stats") {
			if v := m.Field("mine"); v != nil {
				got = append(got, v)
			}
		}
		if len(got) != 2 || got[0] != int64(1) || got[1] != int64(2) {
			t.Errorf("the additions that arrived are %v; want 1, 2", got)
		}
	})
}

func TestSendRefuses(t *testing.T) {
	inMemory(t, func(o *owner) {
		o.master.WaitFor("client_ready", time.Minute)
		synctest.Wait()
		for _, tt := range []struct {
			name string
			m    wire.Outbound
			want error
		}{
			{"no type", wire.Custom{}, wire.ErrUnencodable},
			{"a channel", wire.Custom{Type: "x", Data: make(chan int)}, wire.ErrUnencodable},
			{"too long", wire.Custom{Type: "x", Data: strings.Repeat("x", wire.MaxFrame-100)}, ErrTooLong},
			{"fits", wire.Custom{Type: "x", Data: strings.Repeat("x", wire.MaxFrame-400)}, nil},
		} {
			if err := o.link.Send(tt.m); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v; want %v", tt.name, err, tt.want)
			}
		}
		o.master.WaitFor("x", time.Minute)
		o.report(1, nil)
		time.Sleep(time.Second)
		o.wantTotal(1)
	})
}

// A report that no frame can hold is given up and counted; the others go on.
func TestAnUnsendableReportIsGivenUp(t *testing.T) {
	inMemory(t, func(o *owner) {
		o.master.WaitFor("client_ready", time.Minute)
		synctest.Wait()
		r := reportOf(2) // its rows have no start, which no message may lack
		o.do(func() { o.link.Report(r, nil) })
		o.report(3, nil)
		time.Sleep(time.Second)
		o.wantTotal(3)
		if lost := get(o, func() int64 { return o.lost }); lost != 2 {
			t.Errorf("%d samples given up; want 2", lost)
		}
	})
}

func TestSuspendedForLong(t *testing.T) {
	inMemory(t, func(o *owner) {
		id := o.master.WaitFor("client_ready", time.Minute).Worker
		time.Sleep(time.Second)
		o.do(func() { time.Sleep(70 * time.Second) }) // as a SIGSTOP, but for the writer
		o.master.Drop(id)
		o.master.Skip()
		o.master.WaitFor("client_ready", 6*time.Second)
	})
}

// A large report goes out as several of at most maxReport bytes, and arrives whole,
// with the sizes that were estimated.
func TestALargeReportIsSeveral(t *testing.T) {
	inMemory(t, func(o *owner) {
		o.master.WaitFor("client_ready", time.Minute)
		synctest.Wait()
		const rows = 30_000
		store := stats.New(stats.Config{MaxRows: 2 * rows})
		for i := range rows {
			store.Record(uint32(i), stats.Sample{
				Method: "GET", Name: fmt.Sprintf("/api/v1/items/%08d/details", i), ResponseTime: time.Millisecond, Failed: i%10 == 0, Error: "no",
			})
		}
		kept, err := wire.EncodeExtra(map[string]any{"mine": 1})
		if err != nil {
			t.Fatal(err)
		}
		o.do(func() { o.link.Report(store.Take(), kept) })
		time.Sleep(time.Second)
		o.wantTotal(rows)
		reports, extra := 0, 0
		for _, m := range o.master.OfType("stats") {
			if len(m.Frame) > maxReport {
				t.Errorf("a report of %d bytes", len(m.Frame))
			}
			if m.Report().Total.Requests > 0 {
				reports++
			}
			if m.Field("mine") != nil {
				extra++
			}
		}
		if reports < 2 || extra != 1 {
			t.Errorf("%d reports, %d with the additions", reports, extra)
		}
	})
}
