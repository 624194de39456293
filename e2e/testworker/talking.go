package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

func reporting() locustworker.Events {
	return locustworker.Events{
		ReportToMaster: func(_ *locustworker.Environment, data map[string]any) error {
			data["note"] = map[string]any{"by": "a worker", "value": 42}
			return nil
		},
	}
}

// messages are the custom messages that the worker takes.
func messages() map[string]locustworker.MessageHandler {
	return map[string]locustworker.MessageHandler{
		"greet": {Handle: func(env *locustworker.Environment, m locustworker.Message) error {
			return env.SendMessage("greeting", map[string]any{"got": m.Data, "index": env.WorkerIndex()})
		}},
		"break": {Handle: func(*locustworker.Environment, locustworker.Message) error {
			return errors.New("division by zero")
		}},
	}
}

// chattyClass writes to the log once.
func chattyClass() locustworker.Class {
	return locustworker.NewClass("Chatty", newRecorder).
		Wait(locustworker.Constant(idle)).
		Task("talk", 1, func(r *recorder, ctx context.Context) error {
			log := r.Environment().Logger()
			log.Debug("chatty: debug")
			log.Info("chatty: info")
			log.Warn("chatty: warning <b>&")
			log.Error("chatty: error 日本")
			log.Log(ctx, slog.LevelError+4, "chatty: critical")
			log.Info("chatty: two\nlines")
			return nil
		})
}

func argumentsClass() locustworker.Class {
	return locustworker.NewClass("Arguments", newRecorder).
		Wait(locustworker.Constant(tick)).
		Task("tell", 1, (*recorder).arguments)
}

// arguments tells in its rows which custom arguments and which host it sees.
func (r *recorder) arguments(context.Context) error {
	o := r.Environment().Arguments()
	word, err1 := locustworker.Argument[string](o, "word")
	number, err2 := locustworker.Argument[int](o, "number")
	factor, err3 := locustworker.Argument[float64](o, "factor")
	flag, err4 := locustworker.Argument[bool](o, "flag")
	items, err5 := locustworker.Argument[[]string](o, "items")
	counts, err6 := locustworker.Argument[[]int](o, "counts")
	stock, err7 := locustworker.Argument[json.RawMessage](o, "stock")
	shops := locustworker.ArgumentOr[[]string](o, "shops", nil)
	hidden, err8 := locustworker.Argument[string](o, "hidden")
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
		return err
	}
	sum := 0
	for _, n := range counts {
		sum += n
	}
	r.row("ARGS", fmt.Sprintf("word=%s number=%d factor=%.2f flag=%t items=%s counts=%d shops=%s stock=%s hidden=%s",
		word, number+1, factor*2, flag, strings.Join(items, "+"), sum, strings.Join(shops, "+"), stock, hidden))
	r.row("HOST", "host="+r.Host())
	return nil
}

// A browser asks its host for one page.
type browser struct{ httpuser.User }

func webClass() locustworker.Class {
	return httpuser.NewClass[browser]("Web", httpuser.Config{}).
		Wait(locustworker.Constant(20*time.Millisecond)).
		Task("page", 1, func(b *browser, ctx context.Context) error {
			_, err := b.Get(ctx, "/page", httpuser.Name("/page"))
			return err
		})
}

// talkerClass sends the master one custom message.
func talkerClass() locustworker.Class {
	return locustworker.NewClass("Talker", newRecorder).
		Wait(locustworker.Constant(idle)).
		Task("talk", 1, func(r *recorder, _ context.Context) error {
			env := r.Environment()
			return env.SendMessage("hello", map[string]any{
				"from": "a user", "index": env.WorkerIndex(), "list": []any{1, 2.5, nil, true},
			})
		})
}
