package mastertest

import (
	"fmt"
	"math"
	"slices"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// faults collects what is wrong with a message.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// check holds a message against what the real master needs (MasterRunner.
// handle_message, on_worker_report, StatsEntry.unserialize). The caller holds mu.
func (m *Master) check(message Message, nodeID string) faults {
	var f faults
	if nodeID != message.Worker {
		f.add("node id %q is not the connection's identity", nodeID)
	}
	if message.Type != wire.TypeClientReady && !m.greeted[message.Worker] {
		f.add("sent before the first ack")
	}
	data := message.Data
	switch message.Type {
	case wire.TypeClientReady:
		if version, ok := data.(string); data != int64(-1) && (!ok || version == "") {
			f.add("version %#v is neither a text nor -1", data)
		}
	case wire.TypeSpawning, wire.TypeClientStopped, wire.TypeQuit:
		if data != nil {
			f.add("data %v, want nil", data)
		}
	case wire.TypeSpawningComplete:
		f.spawningComplete(data)
	case wire.TypeHeartbeat:
		f.heartbeat(data)
	case wire.TypeException:
		if fields := f.fields(data, "msg", "traceback"); fields != nil {
			f.text(fields, "msg")
			f.text(fields, "traceback")
		}
	case wire.TypeLogs:
		f.logs(data, message.Worker)
	case wire.TypeStats:
		f.stats(data)
	}
	if (message.Type == wire.TypeSpawning || message.Type == wire.TypeSpawningComplete) && !m.life.workers[message.Worker] {
		f.add("from a worker that the master does not know: masters up to 2.46 stop listening")
	}
	return f
}

// fields returns data as a map that holds exactly these keys, or more when more is
// the last of them.
func (f *faults) fields(data any, keys ...string) map[string]any {
	const more = "..."
	fields, ok := data.(map[string]any)
	if !ok {
		f.add("data %v is no map with text keys", data)
		return nil
	}
	open := keys[len(keys)-1] == more
	if open {
		keys = keys[:len(keys)-1]
	}
	for _, key := range keys {
		if _, ok := fields[key]; !ok {
			f.add("%q is missing", key)
		}
	}
	for key := range fields {
		if !open && !slices.Contains(keys, key) {
			f.add("unknown key %q", key)
		}
	}
	return fields
}

func (f *faults) text(fields map[string]any, key string) {
	if _, ok := fields[key].(string); !ok {
		f.add("%s is %#v, want a text", key, fields[key])
	}
}

// count wants a whole number that is not negative and returns it.
func (f *faults) count(fields map[string]any, key string) int64 {
	n, ok := fields[key].(int64)
	if !ok || n < 0 {
		f.add("%s is %#v, want a whole number from 0", key, fields[key])
	}
	return n
}

// finite wants a float.
func (f *faults) finite(fields map[string]any, key string) float64 {
	x, ok := fields[key].(float64)
	if !ok || math.IsNaN(x) || math.IsInf(x, 0) {
		f.add("%s is %#v, want a finite float", key, fields[key])
	}
	return x
}

// time wants seconds, or nil if that is allowed.
func (f *faults) time(fields map[string]any, key string, mayBeNil bool) {
	if fields[key] == nil && mayBeNil {
		return
	}
	if x := f.finite(fields, key); x < 0 {
		f.add("%s is %v, want seconds since 1970", key, x)
	}
}

func (f *faults) userClasses(fields map[string]any) (sum int64) {
	classes, ok := fields["user_classes_count"].(map[string]any)
	if !ok {
		f.add("user_classes_count is %#v, want a map by class name", fields["user_classes_count"])
	}
	for name := range classes {
		sum += f.count(classes, name)
	}
	return sum
}

func (f *faults) spawningComplete(data any) {
	fields := f.fields(data, "user_classes_count", "user_count")
	if fields == nil {
		return
	}
	if sum, n := f.userClasses(fields), f.count(fields, "user_count"); sum != n {
		f.add("user_count is %d, the classes have %d", n, sum)
	}
}

func (f *faults) heartbeat(data any) {
	fields := f.fields(data, "state", "current_cpu_usage", "current_memory_usage")
	if fields == nil {
		return
	}
	switch fields["state"] {
	case string(wire.StateReady), string(wire.StateSpawning), string(wire.StateRunning):
	default:
		f.add("state %#v counts as no worker", fields["state"])
	}
	if cpu := f.finite(fields, "current_cpu_usage"); cpu < 0 {
		f.add("current_cpu_usage is %v", cpu)
	}
	f.count(fields, "current_memory_usage")
}

func (f *faults) logs(data any, worker string) {
	fields := f.fields(data, "worker_id", "logs")
	if fields == nil {
		return
	}
	if fields["worker_id"] != worker {
		f.add("worker_id is %#v", fields["worker_id"])
	}
	lines, ok := fields["logs"].([]any)
	if !ok {
		f.add("logs is %#v, want a list", fields["logs"])
	}
	for i, line := range lines {
		if _, ok := line.(string); !ok {
			f.add("line %d of the logs is %#v", i, line)
		}
	}
}
