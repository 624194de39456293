package locustworker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Errors of Option.
var (
	// ErrNoOption says that the master sent no argument of that name.
	ErrNoOption = errors.New("locustworker: no such custom argument")
	// ErrOptionType says that the argument's value does not fit the type asked
	// for.
	ErrOptionType = errors.New("locustworker: the custom argument has another type")
)

// Options are the custom arguments of a run (parsed_options): those that a
// locustfile adds on the master with add_argument. They do not change.
type Options struct{ values map[string]any }

// Names returns the arguments' names, sorted; Python's underscores stand where
// the command line has dashes.
func (o *Options) Names() []string { return slices.Sorted(maps.Keys(o.values)) }

// An OptionType is a type that an argument can be read as.
type OptionType interface {
	string | bool | int | float64 | []string
}

// Option reads the argument of that name. A number is taken from text and text
// from a number, as the web UI sends edited arguments as text; a list is never
// made of one value. The errors are ErrNoOption and ErrOptionType.
func Option[T OptionType](o *Options, name string) (T, error) {
	var value T
	raw, ok := o.values[name]
	if !ok || raw == nil {
		return value, fmt.Errorf("%w: %q", ErrNoOption, name)
	}
	var err error
	switch into := any(&value).(type) {
	case *string:
		*into, err = optionText(raw)
	case *bool:
		*into, err = optionBool(raw)
	case *int:
		*into, err = optionInt(raw)
	case *float64:
		*into, err = optionFloat(raw)
	case *[]string:
		*into, err = optionList(raw)
	}
	if err != nil {
		return value, fmt.Errorf("%w: %q is %v", ErrOptionType, name, raw)
	}
	return value, nil
}

// OptionOr is Option with a value for an argument that is missing or does not
// fit.
func OptionOr[T OptionType](o *Options, name string, otherwise T) T {
	value, err := Option[T](o, name)
	if err != nil {
		return otherwise
	}
	return value
}

func optionText(raw any) (string, error) {
	switch v := raw.(type) {
	case string:
		return v, nil
	case bool, int64, uint64, float64:
		return fmt.Sprint(v), nil
	}
	return "", ErrOptionType
}

func optionBool(raw any) (bool, error) {
	switch v := raw.(type) {
	case bool:
		return v, nil
	case string:
		return strconv.ParseBool(v)
	}
	return false, ErrOptionType
}

func optionInt(raw any) (int, error) {
	switch v := raw.(type) {
	case int64:
		return int(v), nil
	case float64:
		if v == float64(int(v)) {
			return int(v), nil
		}
	case string:
		return strconv.Atoi(v)
	}
	return 0, ErrOptionType
}

func optionFloat(raw any) (float64, error) {
	switch v := raw.(type) {
	case int64:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		return strconv.ParseFloat(v, 64)
	}
	return 0, ErrOptionType
}

func optionList(raw any) ([]string, error) {
	list, ok := raw.([]any)
	if !ok {
		return nil, ErrOptionType
	}
	texts := make([]string, len(list))
	for i, item := range list {
		text, err := optionText(item)
		if err != nil {
			return nil, err
		}
		texts[i] = text
	}
	return texts, nil
}
