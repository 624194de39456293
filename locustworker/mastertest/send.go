package mastertest

import (
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// Everyone stands for all workers where a worker's id is asked for.
const Everyone = ""

// SpawnOption changes the content of a spawn message.
type SpawnOption func(fields map[string]any)

// Host sets the host to load; none is sent otherwise (nil).
func Host(url string) SpawnOption { return Field("host", url) }

// StopTimeout sets how long users may take to stop; 0 otherwise.
func StopTimeout(d time.Duration) SpawnOption { return Field("stop_timeout", d.Seconds()) }

// Timestamp sets the message's timestamp in seconds. Otherwise it is the clock's
// time, and newer than the last.
func Timestamp(seconds float64) SpawnOption { return Field("timestamp", seconds) }

// Arguments sets the custom arguments of the run (parsed_options); there are none
// otherwise.
func Arguments(arguments map[string]any) SpawnOption { return Field("parsed_options", arguments) }

// Field sets any field of the message to any value.
func Field(name string, value any) SpawnOption {
	return func(fields map[string]any) { fields[name] = value }
}

// Without leaves a field out.
func Without(name string) SpawnOption {
	return func(fields map[string]any) { delete(fields, name) }
}

// Spawn tells the worker how many users of each class to run. The first one since
// the start or a Stop begins a new test run: it clears Totals.
func (m *Master) Spawn(id string, counts map[string]int, opts ...SpawnOption) {
	m.tb.Helper()
	m.mu.Lock()
	now := float64(time.Now().UnixNano()) / 1e9
	m.timestamp = max(now, m.timestamp+1e-6)
	fields := map[string]any{
		"timestamp": m.timestamp, "user_classes_count": counts, "host": nil, "stop_timeout": 0.0, "parsed_options": map[string]any{},
	}
	if !m.life.running {
		m.life.running = true
		m.life.totals = newTotals()
	}
	m.mu.Unlock()
	for _, opt := range opts {
		opt(fields)
	}
	m.SendCustom(id, wire.TypeSpawn, fields)
}

// Stop ends the test run.
func (m *Master) Stop(id string) {
	m.tb.Helper()
	m.update(func() { m.life.running = false })
	m.SendCustom(id, wire.TypeStop, nil)
}

// Quit ends the worker.
func (m *Master) Quit(id string) {
	m.tb.Helper()
	m.SendCustom(id, wire.TypeQuit, nil)
}

// Reconnect asks the worker for a new connection.
func (m *Master) Reconnect(id string) {
	m.tb.Helper()
	m.SendCustom(id, wire.TypeReconnect, nil)
}

// SpawningComplete says that the whole fleet has that many users.
func (m *Master) SpawningComplete(id string, users int) {
	m.tb.Helper()
	m.SendCustom(id, wire.TypeSpawningComplete, map[string]any{"user_count": users})
}

// SendCustom sends a message of any type, Locust's own included. Data may hold
// nil, bools, numbers, strings, []byte, time.Time, and slices and maps of these.
func (m *Master) SendCustom(id, typ string, data any) {
	m.tb.Helper()
	m.send(id, func(worker string) []byte { return reply{typ, data}.encode(m, worker) })
}

// SendRaw sends any bytes as one frame.
func (m *Master) SendRaw(id string, frame []byte) {
	m.tb.Helper()
	m.send(id, func(string) []byte { return frame })
}

// send reports a failure to the test: what a test scripts must reach the worker. It
// blocks while a worker does not take it, at most 30 s.
func (m *Master) send(id string, frame func(worker string) []byte) {
	m.tb.Helper()
	m.mu.Lock()
	var heard []*peer
	for _, p := range m.peersOf(id) {
		if !p.deaf {
			heard = append(heard, p)
		}
	}
	m.mu.Unlock()
	if len(heard) == 0 {
		m.tb.Errorf("mastertest: send to worker %q: %v", id, errNoWorker)
	}
	for _, p := range heard {
		if err := p.write(func() [][]byte { return [][]byte{frame(p.identity)} }); err != nil {
			m.tb.Errorf("mastertest: send to worker %q: %v", p.identity, err)
		}
	}
}
