package loadtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bandwing/bandwing/locustworker"
)

// The custom messages between locustfile.py on the master and the workers.
const (
	// KeysMessage brings a worker its share of the documents of a run:
	// {"run": text, "keys": [text, …]}. A later one of the same run adds to it.
	KeysMessage = "redisjson_keys"
	// AckMessage is the worker's answer: {"run": text, "keys": number it knows}.
	AckMessage = "redisjson_keys_ack"
)

// runOption is the custom argument in which the master names the run to the
// workers.
const runOption = "load_gen_run"

var errMessage = errors.New("loadtest: the message from the master has another form than " +
	"{run: text, keys: texts}: use the locustfile.py of this version")

// Configure adds to a worker's configuration what the scenario needs: its
// handler of messages, its event at the start of a run, and the choice of classes
// of a run without a master. Events and handlers
// that are there stay, and come first.
func (s *Scenario) Configure(base locustworker.Config) locustworker.Config {
	handlers := map[string]locustworker.MessageHandler{KeysMessage: {Handle: s.handleKeys}}
	for name, handler := range base.Messages {
		handlers[name] = handler
	}
	base.Messages = handlers
	base.ChooseClasses = s.defaultClasses
	before := base.Events.TestStart
	base.Events.TestStart = func(ctx context.Context, env *locustworker.Environment) error {
		s.startRun(ctx, env)
		if before != nil {
			return before(ctx, env)
		}
		return nil
	}
	return base
}

func (s *Scenario) handleKeys(env *locustworker.Environment, m locustworker.Message) error {
	reply, err := s.takeShare(m.Data)
	if err != nil {
		return err
	}
	return env.SendMessage(AckMessage, reply)
}

// takeShare takes the keys of a message and returns the answer.
func (s *Scenario) takeShare(data any) (map[string]any, error) {
	fields, ok := data.(map[string]any)
	if !ok {
		return nil, errMessage
	}
	run, ok := fields["run"].(string)
	list, isList := fields["keys"].([]any)
	if !ok || run == "" || !isList {
		return nil, errMessage
	}
	keys := make([]string, len(list))
	for i, raw := range list {
		if keys[i], ok = raw.(string); !ok {
			return nil, errMessage
		}
	}
	s.pool.take(run, keys)
	return map[string]any{"run": run, "keys": s.pool.size()}, nil
}

// startRun begins a run with its custom arguments, before any user starts.
func (s *Scenario) startRun(ctx context.Context, env *locustworker.Environment) {
	arguments := env.Arguments()
	name := locustworker.ArgumentOr(arguments, runOption, "")
	s.pool.begin(name)
	cfg, err := s.cfg.with(func(name string) (string, bool) {
		value, err := locustworker.Argument[string](arguments, strings.ToLower(name))
		return value, err == nil
	})
	if err != nil {
		env.Logger().Error("custom arguments with a fault change nothing", "error", err)
	}
	if err := cfg.Validate(); err != nil {
		env.Logger().Error("the custom arguments do not fit together: the run goes on without them", "error", err)
		cfg = s.cfg
	}
	s.run.Store(newRun(cfg, s.cfg))
	if env.Headless() {
		keys, err := collect(ctx, env, s.run.Load().cfg)
		if err != nil {
			env.Logger().Error(err.Error())
		}
		s.pool.take(name, keys)
	}
	env.Logger().Info(fmt.Sprintf("loadtest: the run begins with %d documents", s.pool.size()), "run", name)
}
