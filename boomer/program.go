package boomer

import (
	"flag"
	"log"
	"math"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// defaultBoomer is the one of Run, RecordSuccess and RecordFailure.
var defaultBoomer = &Boomer{}

// options are what the flags are set to.
var options struct {
	maxRPS              int64
	requestIncreaseRate string
	runTasks            string
	masterHost          string
	masterPort          int
	memory, cpu         profile
}

func init() { registerFlags(flag.CommandLine) }

// registerFlags adds boomer's flags.
func registerFlags(flags *flag.FlagSet) {
	o := &options
	flags.Int64Var(&o.maxRPS, "max-rps", 0, "the most `tasks` that start in a second, of all users together; 0: no limit")
	flags.StringVar(&o.requestIncreaseRate, "request-increase-rate", "-1",
		"by how much that number grows, as \"10\" (a second) or \"10/1m\"; \"-1\": it does not")
	flags.StringVar(&o.runTasks, "run-tasks", "", "run the tasks of these `names`, separated by commas, once each and without a master")
	flags.StringVar(&o.masterHost, "master-host", "127.0.0.1", "the Locust master's host `name` or address")
	flags.IntVar(&o.masterPort, "master-port", 5557, "the Locust master's `port`")
	flags.StringVar(&o.memory.file, "mem-profile", "", "write a profile of the heap to this `file`")
	flags.DurationVar(&o.memory.duration, "mem-profile-duration", 30*time.Second, "when to write it")
	flags.StringVar(&o.cpu.file, "cpu-profile", "", "write a CPU profile to this `file`")
	flags.DurationVar(&o.cpu.duration, "cpu-profile-duration", 30*time.Second, "how long to take it")
}

// Run is a whole program: it takes boomer's flags (parsed, if that was not done
// yet), runs the tasks as a worker of a Locust master, and returns when the master has
// said quit, EVENT_QUIT was published or SIGINT or SIGTERM has come, and all samples
// are delivered. A second signal ends the process at once. With --run-tasks it calls
// the named tasks once each, logs what they record, and returns.
//
// A wrong --request-increase-rate ends the process with exit code 1.
func Run(tasks ...*Task) {
	if !flag.Parsed() {
		flag.Parse()
	}
	if options.runTasks != "" {
		runOnce(options.runTasks, tasks)
		return
	}
	limiter, err := limiterOf(options.maxRPS, options.requestIncreaseRate)
	if err != nil {
		log.Fatalf("boomer: --request-increase-rate: %v", err)
	}
	b := defaultBoomer
	legacyOnce.Do(func() { subscribeLegacy(b) })
	b.masterHost, b.masterPort = options.masterHost, options.masterPort
	b.cpu, b.memory = options.cpu, options.memory
	b.SetRateLimiter(limiter)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	b.Run(tasks...)
	if e := b.engine.Load(); e != nil {
		select {
		case <-e.ended:
		case <-signals:
			signal.Stop(signals) // the next one ends the process
			b.Quit()
		}
	}
	signal.Stop(signals)
}

var legacyOnce sync.Once

// limiterOf returns the limiter that the flags ask for, or nil.
func limiterOf(maxRPS int64, increase string) (RateLimiter, error) {
	switch {
	case increase != "-1":
		if maxRPS <= 0 {
			maxRPS = math.MaxInt64
		}
		l, err := NewRampUpRateLimiter(maxRPS, increase, time.Second)
		if err != nil || l.step == 0 {
			return l, err
		}
		return &paced{threshold: l.threshold, grows: true}, nil
	case maxRPS > 0:
		return &paced{threshold: func(time.Duration) int64 { return maxRPS }}, nil
	}
	return nil, nil //nolint:nilnil // no limit
}

// runOnce calls the tasks of these names, in the order of their declaration.
func runOnce(names string, tasks []*Task) {
	wanted := strings.Split(names, ",")
	for i := range wanted {
		wanted[i] = strings.TrimSpace(wanted[i])
	}
	defaultBoomer.trying.Store(true)
	defer defaultBoomer.trying.Store(false)
	known := map[string]bool{"": true}
	for _, t := range tasks {
		if t == nil || t.Name == "" || t.Fn == nil || !slices.Contains(wanted, t.Name) {
			continue
		}
		known[t.Name] = true
		log.Println("Running " + t.Name)
		t.Fn()
	}
	for _, name := range wanted {
		if !known[name] {
			log.Printf("boomer: --run-tasks: there is no task %q", name)
		}
	}
}

// logSample shows what a task of --run-tasks has recorded.
func logSample(b *Boomer, s locustworker.Sample) {
	if s.Err != nil {
		b.logger().Printf("recorded %s %q: failed after %v: %v", s.Type, s.Name, s.ResponseTime, s.Err)
		return
	}
	b.logger().Printf("recorded %s %q: %v, %d bytes", s.Type, s.Name, s.ResponseTime, s.Length)
}

// RecordSuccess is Boomer.RecordSuccess of the Boomer that Run runs.
func RecordSuccess(requestType, name string, responseTime int64, responseLength int64) {
	defaultBoomer.RecordSuccess(requestType, name, responseTime, responseLength)
}

// RecordFailure is Boomer.RecordFailure of the Boomer that Run runs.
func RecordFailure(requestType, name string, responseTime int64, exception string) {
	defaultBoomer.RecordFailure(requestType, name, responseTime, exception)
}

// RecordDuration is Boomer.RecordDuration of the Boomer that Run runs.
func RecordDuration(requestType, name string, responseTime time.Duration, responseLength int64, err error) {
	defaultBoomer.RecordDuration(requestType, name, responseTime, responseLength, err)
}
