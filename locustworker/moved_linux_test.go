package locustworker

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// 127.0.0.2 is an address of this machine on Linux alone.

// A nameServer answers every question of one test for an IPv4 address.
type nameServer struct {
	mu      sync.Mutex
	address net.IP // nil: there is no such name
	asked   int
}

func (s *nameServer) point(to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.address = net.ParseIP(to).To4()
}

func (s *nameServer) questions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// useNameServer makes the process ask a name server of the test's own.
func useNameServer(t *testing.T) *nameServer {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{}
	var serving sync.WaitGroup
	serving.Go(func() { s.serve(t, socket) })
	usual := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = usual
		_ = socket.Close()
		serving.Wait()
	})
	return s
}

func (s *nameServer) serve(t *testing.T, socket net.PacketConn) {
	query := make([]byte, 512)
	for {
		n, from, err := socket.ReadFrom(query)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			return
		}
		if answer := s.answer(query[:n]); answer != nil {
			_, _ = socket.WriteTo(answer, from) // who asked may be gone
		}
	}
}

// answer makes the reply to a query of one question (RFC 1035, section 4).
func (s *nameServer) answer(query []byte) []byte {
	const header, typeA = 12, 1
	end := header
	for end < len(query) && query[end] != 0 { // the labels of the name
		end += 1 + int(query[end])
	}
	if end += 5; end > len(query) { // the last label, type and class
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := append([]byte(nil), query[:end]...)
	clear(reply[6:header])                        // no other records, unless there is an answer
	binary.BigEndian.PutUint16(reply[2:], 0x8180) // a reply to a recursive query, no error
	isA := binary.BigEndian.Uint16(query[end-4:]) == typeA
	if isA {
		s.asked++
	}
	switch {
	case s.address == nil:
		binary.BigEndian.PutUint16(reply[2:], 0x8183) // no such name
	case isA:
		binary.BigEndian.PutUint16(reply[6:], 1)
		reply = append(reply, 0xc0, header, 0, typeA, 0, 1, 0, 0, 14, 16, 0, 4) // the name in the question, good for an hour
		reply = append(reply, s.address...)
	}
	return reply
}

// TestAnotherMasterBehindTheSameName: the name is not known yet, then stands for a
// master, and then for another one on another machine. Each attempt asks anew.
//
// Conformance: H7
func TestAnotherMasterBehindTheSameName(t *testing.T) {
	names := useNameServer(t)
	first := mastertest.New(t)
	_, port, _ := net.SplitHostPort(first.Addr())
	number, _ := strconv.Atoi(port)
	log := &logText{}
	w, err := New(Config{
		MasterHost: "locust-master.example", MasterPort: number, Logger: slog.New(slog.NewTextHandler(log, nil)), Seed: 1,
	}, doing("Scripted", func(d *doer) error { d.Record(Sample{Type: "T", Name: "n"}); return nil }))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
		if t.Failed() {
			t.Logf("the worker's log:\n%s", log)
		}
	})
	within(t, "second question for a name that there is not", func() bool { return names.questions() >= 2 })
	names.point("127.0.0.1")
	id := first.WaitFor("client_ready", time.Minute).Worker
	first.Spawn(id, one(2))
	first.WaitFor("spawning_complete", time.Minute)
	within(t, "confirmed sample", func() bool { return w.Counters().Confirmed > 0 })

	second := mastertest.New(t, mastertest.ListenOn("127.0.0.2:"+port), mastertest.Lenient())
	first.Close()
	names.point("127.0.0.2")
	if again := second.WaitFor("client_ready", time.Minute).Worker; again != id {
		t.Errorf("the worker registers as %s; it was %s", again, id)
	}
	second.WaitFor("stats", time.Minute) // the first report, which must be empty
	if n := second.Totals().All.Requests; n != 0 {
		t.Errorf("the new master got %d samples of the old one's run", n)
	}
	old := w.Counters()
	second.Spawn(id, one(3))
	second.WaitFor("spawning_complete", time.Minute)
	within(t, "sample of the new run", func() bool { return w.Counters().Recorded >= old.Recorded+3 })
	second.Stop(id)
	second.WaitFor("client_stopped", time.Minute)
	if got, want := second.Totals().All.Requests, w.Counters().Recorded-old.Recorded; got != want {
		t.Errorf("the new master's table holds %d requests, want %d", got, want)
	}
	for _, violation := range second.Violations() { // the heartbeats that ask whether it is the same master
		if !strings.HasSuffix(violation, "heartbeat: sent before the first ack") {
			t.Error(violation)
		}
	}
}
