package wire

import (
	"math"
	"testing"
	"time"
)

// rebuild makes the message to send from the content of a worker's frame.
func rebuild(t *testing.T, raw Raw) Outbound {
	t.Helper()
	switch raw.Type {
	case TypeClientReady:
		return ClientReady{Version: raw.Data.(string)}
	case TypeSpawning:
		return Spawning{}
	case TypeClientStopped:
		return ClientStopped{}
	case TypeQuit:
		return Quit{}
	}
	if fields, ok := raw.Data.(map[string]any); ok {
		if m := rebuildFields(raw.Type, fields); m != nil {
			return m
		}
	}
	return Custom{Type: raw.Type, Data: raw.Data}
}

func rebuildFields(typ string, f map[string]any) Outbound {
	switch typ {
	case TypeHeartbeat:
		return Heartbeat{
			State: State(f["state"].(string)), CPUPercent: f["current_cpu_usage"].(float64),
			MemoryBytes: uint64(f["current_memory_usage"].(int64)),
		}
	case TypeSpawningComplete:
		return SpawningComplete{UserClassesCount: rebuildCounts(f["user_classes_count"]), UserCount: int(f["user_count"].(int64))}
	case TypeException:
		return Exception{Message: f["msg"].(string), Traceback: f["traceback"].(string)}
	case TypeLogs:
		logs := Logs{WorkerID: f["worker_id"].(string)}
		for _, line := range f["logs"].([]any) {
			logs.Lines = append(logs.Lines, line.(string))
		}
		return logs
	case TypeStats:
		return rebuildStats(f)
	}
	return nil
}

func rebuildStats(f map[string]any) Stats {
	s := Stats{
		Total: rebuildEntry(f["stats_total"]), Errors: map[string]ErrorEntry{},
		UserClassesCount: rebuildCounts(f["user_classes_count"]), UserCount: int(f["user_count"].(int64)),
	}
	for _, e := range f["stats"].([]any) {
		s.Entries = append(s.Entries, rebuildEntry(e))
	}
	for key, v := range f["errors"].(map[string]any) {
		e := v.(map[string]any)
		s.Errors[key] = ErrorEntry{
			Name: e["name"].(string), Method: e["method"].(string), Error: e["error"].(string),
			Occurrences: e["occurrences"].(int64), FirstSeen: rebuildTime(e["first_seen"]), LastSeen: rebuildTime(e["last_seen"]),
		}
	}
	return s
}

func rebuildEntry(v any) Entry {
	f := v.(map[string]any)
	e := Entry{
		Name: f["name"].(string), Method: f["method"].(string),
		LastRequest: rebuildTime(f["last_request_timestamp"]), Start: rebuildTime(f["start_time"]),
		Requests: f["num_requests"].(int64), NoneRequests: f["num_none_requests"].(int64), Failures: f["num_failures"].(int64),
		TotalTime: rebuildMillis(f["total_response_time"]), Max: rebuildMillis(f["max_response_time"]),
		ContentLength:  f["total_content_length"].(int64),
		ResponseTimes:  rebuildHistogram(f["response_times"], 1000),
		RequestsPerSec: rebuildHistogram(f["num_reqs_per_sec"], 1),
		FailuresPerSec: rebuildHistogram(f["num_fail_per_sec"], 1),
	}
	if minimum := f["min_response_time"]; minimum != nil {
		e.Min, e.HasMin = rebuildMillis(minimum), true
	}
	return e
}

func rebuildHistogram(v any, scale int64) map[int64]int64 {
	m := map[int64]int64{}
	if mixed, ok := v.(map[any]any); ok {
		for k, n := range mixed {
			m[k.(int64)*scale] = n.(int64)
		}
	}
	return m
}

func rebuildCounts(v any) map[string]int {
	m := map[string]int{}
	for k, n := range v.(map[string]any) {
		m[k] = int(n.(int64))
	}
	return m
}

func rebuildTime(v any) time.Time {
	seconds, ok := v.(float64)
	if !ok {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e9)))
}

func rebuildMillis(v any) time.Duration {
	ms, _ := v.(float64)
	return time.Duration(math.Round(ms * 1e6))
}
