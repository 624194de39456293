package cli

import (
	"fmt"
	"slices"
	"strings"
)

// A Kind says what an option takes.
type Kind int

const (
	// Flag takes no value (store_true).
	Flag Kind = iota + 1
	// Value takes exactly one.
	Value
	// List takes all arguments up to the next option, also none (nargs="*").
	List
	// Each takes exactly one, and adds it to those given before (append).
	Each
	// Final takes no value and ends the parsing: what follows is not looked at.
	Final
)

// An Option is one option of a Table.
type Option struct {
	// Names are its short and long names with their dashes, as "-H" and "--host".
	// The last long one is what Parsed knows the option by.
	Names []string
	// Env is the environment variable that sets it. "": none.
	Env string
	// Kind is what it takes.
	Kind Kind
	// Exact says that its long names may not be abbreviated.
	Exact bool
	// Refused, if not empty, makes any use of the option an error with this text.
	Refused string
}

// Name returns the option's last long name, as "--host".
func (o Option) Name() string {
	for _, name := range slices.Backward(o.Names) {
		if isLong(name) {
			return name
		}
	}
	return o.Names[len(o.Names)-1]
}

// In returns the option with an environment variable that sets it.
func (o Option) In(variable string) Option {
	o.Env = variable
	return o
}

// isKey reports whether a key of a configuration file names the option: one of
// its long names, with or without the dashes (get_possible_config_keys).
func (o Option) isKey(key string) bool {
	return slices.ContainsFunc(o.Names, func(name string) bool {
		return isLong(name) && (key == name || key == name[2:])
	})
}

func isLong(name string) bool { return strings.HasPrefix(name, "--") }

// A Table is the options of a program. No name stands in it twice.
type Table []Option

// find returns the option of exactly that name, nil if there is none.
func (t Table) find(name string) *Option {
	for i := range t {
		if slices.Contains(t[i].Names, name) {
			return &t[i]
		}
	}
	return nil
}

// abbreviated returns the option that a long name is the beginning of, nil if
// there is none (_get_option_tuples).
func (t Table) abbreviated(name string) (*Option, error) {
	var found *Option
	var names []string
	for i := range t {
		for _, full := range t[i].Names {
			if !t[i].Exact && strings.HasPrefix(full, name) {
				found = &t[i]
				names = append(names, full)
			}
		}
	}
	if len(names) > 1 {
		return nil, fmt.Errorf("option %s could be any of %s", name, strings.Join(names, ", "))
	}
	return found, nil
}

// A Source says who has set an option; the greater one wins.
type Source int

// The sources, from the weakest on.
const (
	ConfigFile Source = iota + 1
	Environment
	CommandLine
)

// A Setting is what an option was set to.
type Setting struct {
	Source Source
	// Origin says where, for messages: an option, a variable, or a file and a key.
	Origin string
	// On is what a flag was set to; true for options of any other kind.
	On bool
	// Values are the values: one of a Value, one or more of an Each, any number of a
	// List.
	Values []string
}

// Parsed is the outcome of Table.Parse.
type Parsed struct {
	// Final is the name of the option of kind Final that ended the parsing; "":
	// none, and then all else is complete.
	Final string
	// Arguments are the positional arguments.
	Arguments []string
	// UnknownKeys are the keys of configuration files that no option has, each as
	// "file: key".
	UnknownKeys []string

	settings map[string]Setting // by Option.Name
}

// Setting returns what the option of that Name was set to, and whether it was.
func (p *Parsed) Setting(name string) (Setting, bool) {
	s, ok := p.settings[name]
	return s, ok
}
