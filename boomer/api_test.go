package boomer_test

import (
	"flag"
	"log"
	"reflect"
	"testing"
	"time"

	"github.com/asaskevich/EventBus"

	"github.com/bandwing/bandwing/boomer"
)

// What follows compiles as long as each name of boomer's API has its type.

var (
	_ EventBus.Bus = boomer.Events
	_ error        = boomer.ErrParsingRampUpRate

	_ func(...*boomer.Task)                  = boomer.Run
	_ func(string, string, int64, int64)     = boomer.RecordSuccess
	_ func(string, string, int64, string)    = boomer.RecordFailure
	_ func() int64                           = boomer.Now
	_ func(...string) string                 = boomer.MD5
	_ func() float64                         = boomer.GetCurrentCPUUsage
	_ func() uint64                          = boomer.GetCurrentMemUsage
	_ func(string, time.Duration) error      = boomer.StartCPUProfile
	_ func(string, time.Duration) error      = boomer.StartMemoryProfile
	_ func(string, int) *boomer.Boomer       = boomer.NewBoomer
	_ func(int, float64) *boomer.Boomer      = boomer.NewStandaloneBoomer
	_ func() *boomer.WeighingTaskSet         = boomer.NewWeighingTaskSet
	_ func() *boomer.ConsoleOutput           = boomer.NewConsoleOutput
	_ func() *boomer.SmoothRoundRobinTaskSet = boomer.NewSmoothRoundRobinTaskSet

	_ func(int64, time.Duration) *boomer.StableRateLimiter                  = boomer.NewStableRateLimiter
	_ func(int64, string, time.Duration) (*boomer.RampUpRateLimiter, error) = boomer.NewRampUpRateLimiter
	_ func(string, string) *boomer.PrometheusPusherOutput                   = boomer.NewPrometheusPusherOutput

	_ boomer.TaskSet     = (*boomer.WeighingTaskSet)(nil)
	_ boomer.TaskSet     = (*boomer.SmoothRoundRobinTaskSet)(nil)
	_ boomer.RateLimiter = (*boomer.StableRateLimiter)(nil)
	_ boomer.RateLimiter = (*boomer.RampUpRateLimiter)(nil)
	_ boomer.Output      = (*boomer.ConsoleOutput)(nil)
	_ boomer.Output      = (*boomer.PrometheusPusherOutput)(nil)

	_ func(*boomer.Boomer, *log.Logger) *boomer.Boomer               = (*boomer.Boomer).WithLogger
	_ func(*boomer.Boomer, boomer.RateLimiter)                       = (*boomer.Boomer).SetRateLimiter
	_ func(*boomer.Boomer, boomer.Mode)                              = (*boomer.Boomer).SetMode
	_ func(*boomer.Boomer, boomer.Output)                            = (*boomer.Boomer).AddOutput
	_ func(*boomer.Boomer, string, time.Duration)                    = (*boomer.Boomer).EnableCPUProfile
	_ func(*boomer.Boomer, string, time.Duration)                    = (*boomer.Boomer).EnableMemoryProfile
	_ func(*boomer.Boomer, ...*boomer.Task)                          = (*boomer.Boomer).Run
	_ func(*boomer.Boomer, string, string, int64, int64)             = (*boomer.Boomer).RecordSuccess
	_ func(*boomer.Boomer, string, string, int64, string)            = (*boomer.Boomer).RecordFailure
	_ func(*boomer.Boomer, string, interface{})                      = (*boomer.Boomer).SendCustomMessage
	_ func(*boomer.Boomer)                                           = (*boomer.Boomer).Quit
	_ func(*boomer.WeighingTaskSet, int) *boomer.Task                = (*boomer.WeighingTaskSet).GetTask
	_ func(*boomer.SmoothRoundRobinTaskSet) *boomer.Task             = (*boomer.SmoothRoundRobinTaskSet).GetTask
	_ func(*boomer.ConsoleOutput, *log.Logger) *boomer.ConsoleOutput = (*boomer.ConsoleOutput).WithLogger

	_ func(*boomer.PrometheusPusherOutput, *log.Logger) *boomer.PrometheusPusherOutput = (*boomer.PrometheusPusherOutput).WithLogger
)

const (
	_ string = boomer.EVENT_CONNECTED + boomer.EVENT_SPAWN + boomer.EVENT_STOP + boomer.EVENT_QUIT

	_ boomer.Mode = boomer.DistributedMode + boomer.StandaloneMode
)

var (
	_ = boomer.Task{Weight: 1, Fn: func() {}, Name: "a"}
	_ = boomer.CustomMessage{Type: "a", Data: interface{}(nil), NodeID: "b"}
)

// taskSet, limiter and output implement the interfaces with no more methods than
// boomer's have.
type (
	taskSet struct{}
	limiter struct{}
	output  struct{}
)

func (taskSet) AddTask(*boomer.Task)    {}
func (taskSet) SetWeight(int)           {}
func (taskSet) GetWeight() (weight int) { return 0 }
func (taskSet) Run()                    {}

func (limiter) Start()        {}
func (limiter) Acquire() bool { return false }
func (limiter) Stop()         {}

func (output) OnStart()                       {}
func (output) OnEvent(map[string]interface{}) {}
func (output) OnStop()                        {}

var (
	_ boomer.TaskSet     = taskSet{}
	_ boomer.RateLimiter = limiter{}
	_ boomer.Output      = output{}
)

// TestNames: the values that programs write out are boomer's.
func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		boomer.EVENT_CONNECTED: "boomer:connected", boomer.EVENT_SPAWN: "boomer:spawn",
		boomer.EVENT_STOP: "boomer:stop", boomer.EVENT_QUIT: "boomer:quit",
	} {
		if got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
	if boomer.DistributedMode != 0 || boomer.StandaloneMode != 1 {
		t.Error("the modes have other numbers")
	}
	message := reflect.TypeFor[boomer.CustomMessage]()
	for field, want := range map[string]string{"Type": "type", "Data": "data", "NodeID": "node_id"} {
		if f, _ := message.FieldByName(field); f.Tag.Get("codec") != want {
			t.Errorf("CustomMessage.%s has the codec key %q; want %q", field, f.Tag.Get("codec"), want)
		}
	}
}

// TestFlags: importing the package registers boomer's flags with their defaults.
func TestFlags(t *testing.T) {
	for name, want := range map[string]string{
		"max-rps": "0", "request-increase-rate": "-1", "run-tasks": "", "master-host": "127.0.0.1", "master-port": "5557",
		"mem-profile": "", "mem-profile-duration": "30s", "cpu-profile": "", "cpu-profile-duration": "30s",
	} {
		f := flag.Lookup(name)
		if f == nil {
			t.Errorf("there is no flag %s", name)
		} else if f.DefValue != want {
			t.Errorf("--%s is %q by default; want %q", name, f.DefValue, want)
		}
	}
}
