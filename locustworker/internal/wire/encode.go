package wire

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
)

// ErrUnencodable is wrapped by every error of [Encode]: the message would harm
// the master and was not encoded.
var ErrUnencodable = errors.New("wire: message cannot be sent")

// Encode returns m as one frame for the master. nodeID is the worker's id, the
// same as the identity of its socket.
//
// The frame is a function of its arguments alone: maps go out in the order of
// their keys, and bytes in a string that are not UTF-8 as U+FFFD.
func Encode(nodeID string, m Outbound) ([]byte, error) {
	if m == nil {
		return nil, fmt.Errorf("%w: no message given", ErrUnencodable)
	}
	if nodeID == "" || !utf8.ValidString(nodeID) {
		return nil, fmt.Errorf("%w: node id %q must be non-empty UTF-8", ErrUnencodable, nodeID)
	}
	return encodeFrame(m.wireType(), nodeID, m.encodeData)
}

// EncodeAny returns a message of any type with any data, in either direction
// and without the checks that keep a master safe: it is for playing the
// master's part and for tests. Data is as in [Custom].
func EncodeAny(typ string, data any, nodeID string) ([]byte, error) {
	return encodeFrame(typ, nodeID, func(w *writer) { w.value(data) })
}

func encodeFrame(typ, nodeID string, data func(*writer)) ([]byte, error) {
	e, err := encodeBody(typ, data)
	if err != nil {
		return nil, err
	}
	return e.frame(nodeID), nil
}

// writer encodes msgpack as Python's msgpack.dumps does: the shortest integer
// form, doubles, str and bin apart. The first error sticks.
type writer struct {
	buf   bytes.Buffer
	enc   *msgpack.Encoder
	depth int
	err   error
}

func newWriter() *writer {
	w := &writer{}
	w.enc = msgpack.NewEncoder(&w.buf)
	return w
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// The encoder's own errors are those of the buffer, which has none.
func (w *writer) arrayLen(n int)  { w.fail(w.enc.EncodeArrayLen(n)) }
func (w *writer) mapLen(n int)    { w.fail(w.enc.EncodeMapLen(n)) }
func (w *writer) null()           { w.fail(w.enc.EncodeNil()) }
func (w *writer) bool(b bool)     { w.fail(w.enc.EncodeBool(b)) }
func (w *writer) int(n int64)     { w.fail(w.enc.EncodeInt(n)) }
func (w *writer) uint(n uint64)   { w.fail(w.enc.EncodeUint(n)) }
func (w *writer) bytes(b []byte)  { w.fail(w.enc.EncodeBytes(b)) }
func (w *writer) str(s string)    { w.fail(w.enc.EncodeString(validUTF8(s))) }
func (w *writer) float(f float64) { w.fail(w.enc.EncodeFloat64(f)) }

// count writes a number of things, which cannot be negative.
func (w *writer) count(what string, n int64) {
	if n < 0 {
		w.fail(fmt.Errorf("negative %s: %d", what, n))
	}
	w.int(n)
}

func (w *writer) strings(list []string) {
	w.arrayLen(len(list))
	for _, s := range list {
		w.str(s)
	}
}

func (w *writer) counts(what string, m map[string]int) {
	w.mapLen(len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		w.str(k)
		w.count(what, int64(m[k]))
	}
}

func validUTF8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func (m ClientReady) encodeData(w *writer) {
	if m.Version == "" {
		w.int(-1)
		return
	}
	w.str(m.Version)
}

func (Spawning) encodeData(w *writer)      { w.null() }
func (ClientStopped) encodeData(w *writer) { w.null() }
func (Quit) encodeData(w *writer)          { w.null() }

func (m SpawningComplete) encodeData(w *writer) {
	w.mapLen(2)
	w.userCounts(m.UserClassesCount, m.UserCount)
}

func (w *writer) userCounts(classes map[string]int, users int) {
	w.str("user_classes_count")
	w.counts("user count", classes)
	w.str("user_count")
	w.count("user count", int64(users))
}

func (m Heartbeat) encodeData(w *writer) {
	switch m.State {
	case StateReady, StateSpawning, StateRunning:
	default:
		w.fail(fmt.Errorf("state %q is none that a master counts as a worker", m.State))
	}
	cpu := m.CPUPercent
	if !finite(cpu) {
		cpu = 0
	}
	w.mapLen(3)
	w.str("state")
	w.str(string(m.State))
	w.str("current_cpu_usage")
	w.float(cpu)
	w.str("current_memory_usage")
	w.uint(m.MemoryBytes)
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

func (m Exception) encodeData(w *writer) {
	w.mapLen(2)
	w.str("msg")
	w.str(m.Message)
	w.str("traceback")
	w.str(m.Traceback)
}

func (m Logs) encodeData(w *writer) {
	w.mapLen(2)
	w.str("worker_id")
	w.str(m.WorkerID)
	w.str("logs")
	w.strings(m.Lines)
}

func (c Custom) encodeData(w *writer) {
	switch c.Type {
	case "":
		w.fail(errors.New("a custom message needs a type"))
	case TypeClientReady, TypeClientStopped, TypeException, TypeHeartbeat,
		TypeLocustfile, TypeLogs, TypeQuit, TypeSpawning, TypeSpawningComplete, TypeStats:
		w.fail(errors.New("the type belongs to Locust's own protocol, choose another"))
	}
	w.value(c.Data)
}
