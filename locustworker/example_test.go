package locustworker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// A prober is a user that opens TCP connections.
type prober struct{ *locustworker.User }

func newProber(u *locustworker.User) (*prober, error) { return &prober{u}, nil }

func (p *prober) connect(ctx context.Context) error {
	start := time.Now()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.Host())
	took := time.Since(start)
	if err == nil {
		err = conn.Close()
	}
	if ctx.Err() != nil { // stopped meanwhile: no failure of the service
		p.Client().Cut()
		return ctx.Err()
	}
	p.Record(locustworker.Sample{Type: "TCP", Name: "connect", ResponseTime: took, Err: err})
	return nil
}

// A whole program: a worker of a Locust master, or with --headless a run of its own.
func ExampleMain() {
	locustworker.Main(
		locustworker.NewClass("Prober", newProber).
			Wait(locustworker.Between(time.Second, 3*time.Second)).
			Task("connect", 1, (*prober).connect),
	)
}

// A class names its tasks, how often each is picked beside the others, and its tags.
func ExampleClassOf() {
	class := locustworker.NewClass("Prober", newProber).
		Host("127.0.0.1:7").
		Wait(locustworker.ConstantPacing(time.Second)).
		Weight(2).
		Task("connect", 3, (*prober).connect, "fast").
		Task("nothing", 1, func(*prober, context.Context) error { return locustworker.ErrReschedule })
	info := locustworker.Describe(class)
	fmt.Println(info.Name, info.Weight, info.Host)
	for _, task := range info.Tasks {
		fmt.Println(task.Name, task.Weight, task.Tags)
	}
	// Output:
	// Prober 2 127.0.0.1:7
	// connect 3 [fast]
	// nothing 1 []
}

// A user of any protocol records what it has measured. Here is one without a worker, as in a unit test.
func ExampleUser_Record() {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer server.Close()
	user := locustworker.NewStandaloneUser(context.Background(), locustworker.StandaloneConfig{
		Host:   server.Addr().String(),
		Record: func(s locustworker.Sample) { fmt.Println(s.Type, s.Name, s.Err, s.ResponseTime > 0) },
	})
	p, err := newProber(user)
	if err != nil {
		panic(err)
	}
	if err := p.connect(user.Context()); err != nil {
		panic(err)
	}
	// Output: TCP connect <nil> true
}

// Listeners are called at the turns of a test. The task ends the run by itself here.
func ExampleEvents() {
	config := locustworker.Config{Logger: slog.New(slog.DiscardHandler)}
	config.Events.Add(locustworker.Events{
		TestStart: func(context.Context, *locustworker.Environment) error {
			fmt.Println("no user runs yet")
			return nil
		},
		Request:  func(_ *locustworker.User, s locustworker.Sample) { fmt.Println("sample", s.Name) },
		TestStop: func(*locustworker.Environment) error { fmt.Println("all users are gone"); return nil },
	})
	class := locustworker.NewClass("Once", newProber).Task("once", 1, func(p *prober, _ context.Context) error {
		p.Record(locustworker.Sample{Type: "STEP", Name: "once", NoTime: true})
		if err := p.Environment().Quit(0); err != nil {
			return err
		}
		return locustworker.ErrStopUser
	})
	worker, err := locustworker.New(config, class)
	if err != nil {
		panic(err)
	}
	code, err := worker.RunHeadless(context.Background(), locustworker.Headless{Users: 1})
	fmt.Println("exit code", code, err)
	// Output:
	// no user runs yet
	// sample once
	// all users are gone
	// exit code 0 <nil>
}

// A run in a Go test, which its thresholds judge.
func ExampleWorker_RunHeadless() {
	class := locustworker.NewClass("Failing", newProber).Task("fail", 1, func(p *prober, _ context.Context) error {
		p.Record(locustworker.Sample{Type: "STEP", Name: "fail", NoTime: true, Err: errors.New("no stock")})
		if err := p.Environment().Quit(0); err != nil {
			return err
		}
		return locustworker.ErrStopUser
	})
	worker, err := locustworker.New(locustworker.Config{Logger: slog.New(slog.DiscardHandler)}, class)
	if err != nil {
		panic(err)
	}
	code, err := worker.RunHeadless(context.Background(), locustworker.Headless{Users: 1, Thresholds: []string{"fail_ratio < 1%"}})
	fmt.Println(code, err)
	// Output: 99 <nil>
}

// One user, a look at what it does, and an error when something failed.
func ExampleTry() {
	class := locustworker.NewClass("Prober", newProber).Task("connect", 1, (*prober).connect)
	err := locustworker.Try(context.Background(), locustworker.Config{Host: "127.0.0.1:1"}, // where nobody listens
		locustworker.Trial{Out: os.Stderr}, class)
	fmt.Println(errors.Is(err, locustworker.ErrTrial))
	// Output: true
}

// An Environment says which worker this is, so that each can take its part of the test data, and sends messages to the
// locustfile.
func ExampleEnvironment() {
	user := locustworker.NewStandaloneUser(context.Background(), locustworker.StandaloneConfig{
		WorkerIndex: 1,
		WorkerCount: 2,
		Send:        func(messageType string, data any) { fmt.Println("sent", messageType, data) },
	})
	env := user.Environment()
	accounts := []string{"ann", "ben", "cem", "dora"}
	for i := env.WorkerIndex(); i < len(accounts); i += env.WorkerCount() {
		if err := env.SendMessage("account", accounts[i]); err != nil {
			panic(err)
		}
	}
	// Output:
	// sent account ben
	// sent account dora
}

// Custom arguments of the master's locustfile, converted to a Go type.
func ExampleArgument() {
	user := locustworker.NewStandaloneUser(context.Background(), locustworker.StandaloneConfig{
		Arguments: map[string]any{"rate": "1.5", "skus": []any{"a", "b"}},
	})
	arguments := user.Environment().Arguments()
	rate, err := locustworker.Argument[float64](arguments, "rate")
	fmt.Println(rate, err)
	skus, err := locustworker.Argument[[]string](arguments, "skus")
	fmt.Println(skus, err)
	fmt.Println(locustworker.ArgumentOr(arguments, "depth", 3))
	// Output:
	// 1.5 <nil>
	// [a b] <nil>
	// 3
}

// A checkout is a set of tasks that users of a class enter now and then.
type checkout struct{ user *prober }

func (c *checkout) pay(context.Context) error { return locustworker.ErrInterrupt } // back to the class

// A sequence of tasks within a class. A constructor makes a new value at each visit.
func ExampleNewSet() {
	set := locustworker.NewSet("Checkout", func(p *prober) (*checkout, error) { return &checkout{p}, nil }).
		Task("address", 1, func(c *checkout, ctx context.Context) error { return c.user.connect(ctx) }).
		Task("pay", 1, (*checkout).pay).
		Sequential()
	class := locustworker.NewClass("Prober", newProber).Task("connect", 9, (*prober).connect).Nest(1, set)
	for _, task := range locustworker.Describe(class).Tasks {
		fmt.Println(task.Name, task.Weight, len(task.Tasks))
	}
	// Output:
	// connect 9 0
	// Checkout 1 2
}
