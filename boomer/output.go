package boomer

import (
	"fmt"
	"log"
	"maps"
	"math"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// An Output shows the figures of a test somewhere. Its methods are called in a
// goroutine of their own, one after the other; the next report waits for a slow one,
// users do not. A panic of one is logged.
type Output interface {
	// OnStart is called when Run begins.
	OnStart()
	// OnEvent is called every three seconds while a test runs, and once more when it
	// has stopped, with the figures since the last call:
	//
	//	user_count          int32
	//	user_classes_count  map[string]int64
	//	stats               []interface{}, a map for each type and name
	//	stats_total         map[string]interface{}, the same of all
	//	errors              map[string]map[string]interface{}
	//
	// Such a map has name and method (string), num_requests, num_failures,
	// total_response_time, min_response_time, max_response_time, total_content_length,
	// start_time and last_request_timestamp (int64; times in milliseconds, moments in
	// seconds since 1970), response_times (requests by milliseconds, rounded to two
	// digits), num_reqs_per_sec and num_fail_per_sec (by second), all map[int64]int64.
	// One of errors has name, method and error (string) and occurrences (int64). All
	// outputs get the same map and must not change it.
	OnEvent(data map[string]interface{})
	// OnStop is called when all has ended.
	OnStop()
}

// reportInterval is how often outputs get the figures.
const reportInterval = 3 * time.Second

// A reporter gives outputs the figures.
type reporter struct {
	outputs []Output
	log     *log.Logger
	users   census
	tally   tally
	quit    chan struct{}
	done    chan struct{}

	mu     sync.Mutex // held while outputs are called
	isTest bool
}

func newReporter(outputs []Output, logger *log.Logger) *reporter {
	return &reporter{outputs: slices.Clone(outputs), log: logger, quit: make(chan struct{}), done: make(chan struct{})}
}

// record counts a sample.
func (r *reporter) record(s locustworker.Sample) {
	if len(r.outputs) > 0 {
		r.tally.add(s)
	}
}

// start calls OnStart and begins to report.
func (r *reporter) start() {
	if len(r.outputs) == 0 {
		close(r.done)
		return
	}
	r.each(Output.OnStart)
	go func() {
		defer close(r.done)
		ticker := time.NewTicker(reportInterval)
		defer ticker.Stop()
		for {
			select {
			case <-r.quit:
				return
			case <-ticker.C:
				r.report(false)
			}
		}
	}()
}

// begin follows the start of a test. What was recorded before it belongs to none.
func (r *reporter) begin() {
	r.tally.reset()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.isTest = true
}

// finish reports what is left of a test that has stopped.
func (r *reporter) finish() { r.report(true) }

// stop reports what is left, calls OnStop and returns when the outputs have returned.
func (r *reporter) stop() {
	close(r.quit)
	<-r.done
	if len(r.outputs) == 0 {
		return
	}
	r.report(true)
	r.each(Output.OnStop)
}

// report calls OnEvent while there is a test, the last time for it if isLast is set.
func (r *reporter) report(isLast bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isTest || len(r.outputs) == 0 {
		return
	}
	r.isTest = !isLast
	data := r.tally.take()
	byClass, users := r.users.counts()
	data["user_count"] = int32(min(users, math.MaxInt32))
	data["user_classes_count"] = byClass
	r.each(func(o Output) { o.OnEvent(data) })
}

// each calls all outputs at once and waits for them.
func (r *reporter) each(call func(Output)) {
	var wg sync.WaitGroup
	for _, o := range r.outputs {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					r.log.Printf("boomer: the output %T failed: %v\n%s", o, p, debug.Stack())
				}
			}()
			call(o)
		})
	}
	wg.Wait()
}

// A shown is the figures of a report as they are shown.
type shown struct {
	users     int32
	rps       int64
	failRatio float64
	rows      []shownRow
	total     shownRow
}

type shownRow struct {
	method, name        string
	requests, failures  int64
	median, least, most int64
	average             float64
	length              int64
	rps, failuresPerSec int64
}

// read reads the map that OnEvent gets.
func read(data map[string]interface{}) (shown, error) {
	users, hasUsers := data["user_count"].(int32)
	rows, hasRows := data["stats"].([]interface{})
	total, hasTotal := data["stats_total"].(map[string]interface{})
	if !hasUsers || !hasRows || !hasTotal {
		return shown{}, fmt.Errorf("user_count is %T, stats is %T, stats_total is %T: not what OnEvent gets",
			data["user_count"], data["stats"], data["stats_total"])
	}
	s := shown{users: users, total: readRow(total)}
	s.rps = s.total.rps
	if s.total.requests > 0 {
		s.failRatio = float64(s.total.failures) / float64(s.total.requests)
	}
	for _, r := range rows {
		fields, ok := r.(map[string]interface{})
		if !ok {
			return shown{}, fmt.Errorf("an element of stats is %T: not what OnEvent gets", r)
		}
		s.rows = append(s.rows, readRow(fields))
	}
	return s, nil
}

// readRow reads the map of a row. What is missing is 0.
func readRow(fields map[string]interface{}) shownRow {
	number := func(key string) int64 { n, _ := fields[key].(int64); return n }
	counts := func(key string) map[int64]int64 { m, _ := fields[key].(map[int64]int64); return m }
	text := func(key string) string { s, _ := fields[key].(string); return s }
	r := shownRow{
		method: text("method"), name: text("name"), requests: number("num_requests"), failures: number("num_failures"),
		least: number("min_response_time"), most: number("max_response_time"),
		median: median(counts("response_times")),
	}
	if r.requests > 0 {
		r.average = float64(number("total_response_time")) / float64(r.requests)
		r.length = number("total_content_length") / r.requests
	}
	if seconds := int64(len(counts("num_reqs_per_sec"))); seconds > 0 {
		r.rps = r.requests / seconds
	}
	if seconds := int64(len(counts("num_fail_per_sec"))); seconds > 0 {
		r.failuresPerSec = r.failures / seconds
	}
	return r
}

// median returns the middle of the counted values, the lower one of two.
func median(counts map[int64]int64) int64 {
	sum := int64(0)
	for _, n := range counts {
		sum += n
	}
	left := (sum - 1) / 2
	for _, value := range slices.Sorted(maps.Keys(counts)) {
		if left -= counts[value]; left < 0 {
			return value
		}
	}
	return 0
}
