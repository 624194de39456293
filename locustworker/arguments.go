package locustworker

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/bandwing/bandwing/locustworker/internal/argument"
)

// Errors of Argument.
var (
	// ErrNoArgument says that the master sent no argument of that name, or that its
	// value is None.
	ErrNoArgument = errors.New("locustworker: no such custom argument")
	// ErrArgumentType says that the argument's value does not fit the type asked
	// for.
	ErrArgumentType = errors.New("locustworker: the custom argument has another type")
)

// Arguments are the custom arguments of a run: those that a locustfile adds on the
// master with parser.add_argument, with the values of the master's command line
// and web UI (parsed_options). They do not change, so they are safe for concurrent
// use; each run of a test has its own.
type Arguments struct {
	values map[string]any
	log    *slog.Logger // nil: none
	warned sync.Map     // names of arguments that ArgumentOr found no use for
}

// Names returns the names of the locustfile's own arguments, sorted. Underscores
// stand where the command line has dashes. The options of Locust itself, which the
// master sends too, are not among them; Argument reads them all the same.
func (a *Arguments) Names() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(a.values)), argument.IsStock)
}

// lookup returns the value of an argument other than None. A name may have dashes
// as on the command line.
func (a *Arguments) lookup(name string) (any, bool) {
	value, ok := a.values[name]
	if !ok {
		value = a.values[strings.ReplaceAll(name, "-", "_")]
	}
	return value, value != nil
}

// Argument reads the argument of that name as a T. The errors are ErrNoArgument and
// ErrArgumentType.
//
//	rate, err := locustworker.Argument[float64](env.Arguments(), "rate")
//	skus, err := locustworker.Argument[[]string](env.Arguments(), "skus")
//
// The web UI sends much of what is edited there as text, so a value need not have
// the type that the locustfile gave it:
//
//   - string: a text, a number or a bool.
//   - bool: a bool, or a text that strconv.ParseBool takes.
//   - integers and floats: a number that fits exactly, or a text of one.
//   - time.Duration: seconds, as a number or a text of one, or a text that
//     time.ParseDuration takes.
//   - slices of these: a list; a text with a JSON list; a text with commas between
//     the elements (none if it is empty); or a single value, which becomes a list
//     of one.
//   - maps, structs and other types that encoding/json knows: a dict or a list of
//     any depth, or a text in JSON. Numbers in an any are float64.
//   - types with an UnmarshalText method: a text.
//   - pointers to these.
func Argument[T any](a *Arguments, name string) (T, error) {
	var value T
	raw, ok := a.lookup(name)
	if !ok {
		return value, fmt.Errorf("%w: %q; there are %s", ErrNoArgument, name, strings.Join(a.Names(), ", "))
	}
	if err := argument.Convert(&value, raw); err != nil {
		var none T
		return none, fmt.Errorf("%w: %q is %v: %w", ErrArgumentType, name, raw, err)
	}
	return value, nil
}

// ArgumentOr is Argument with a value for an argument that is missing or None. One
// whose value does not fit gives otherwise too, and a warning in the log.
func ArgumentOr[T any](a *Arguments, name string, otherwise T) T {
	value, err := Argument[T](a, name)
	if err == nil {
		return value
	}
	if errors.Is(err, ErrArgumentType) && a.log != nil {
		if _, again := a.warned.LoadOrStore(name, true); !again {
			a.log.Warn("a custom argument cannot be used; its default serves", "error", err, "default", otherwise)
		}
	}
	return otherwise
}
