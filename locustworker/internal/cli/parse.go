package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// An Input is what a Table.Parse reads.
type Input struct {
	// Args is the command line without the program's name.
	Args []string
	// LookupEnv returns the value of a variable and whether it is set.
	LookupEnv func(name string) (string, bool)
	// Files are configuration files that are read where they exist, the weakest
	// first. A "~/" at the beginning is the folder that HOME names.
	Files []string
	// FileOption is the name of the option that names one more, the strongest.
	FileOption string
	// ReadFile reads a file; its error wraps fs.ErrNotExist when there is none.
	ReadFile func(name string) ([]byte, error)
}

// Parse reads the command line, then the environment for options that are not
// on it, then the files for options that are in neither (parse_known_args of
// ConfigArgParse). The error is the first fault that was found; its text says
// where it is and is meant for the user.
func (t Table) Parse(in Input) (*Parsed, error) {
	p := &Parsed{settings: make(map[string]Setting)}
	l := line{table: t, args: in.Args, parsed: p}
	if err := l.parse(); err != nil || p.Final != "" {
		return p, err
	}
	if err := t.readEnvironment(in, p); err != nil {
		return p, err
	}
	return p, t.readFiles(in, p)
}

// A line is a command line that is being parsed as _parse_known_args does.
type line struct {
	table  Table
	args   []string
	parsed *Parsed

	items   []item
	taken   bool     // positional arguments were taken; there is one chance
	unknown []string // what nothing takes
}

// An item is what an argument looks like by itself.
type item struct {
	kind     itemKind
	option   *Option // nil with kind option: unknown
	name     string  // as it was written, without the value
	value    string  // what was attached to the name
	attached bool
}

type itemKind int

const (
	itemArgument itemKind = iota
	itemOption
	itemDashes // the first "--"
)

func (l *line) parse() error {
	if err := refuseBoomerFlags(l.args); err != nil {
		return err
	}
	if err := l.classify(); err != nil {
		return err
	}
	for at := 0; at < len(l.items) && l.parsed.Final == ""; {
		if l.items[at].kind != itemOption {
			at = l.takeArguments(at)
			continue
		}
		next, err := l.takeOption(at)
		if err != nil {
			return err
		}
		at = next
	}
	if len(l.unknown) == 0 || l.parsed.Final != "" {
		return nil
	}
	return l.table.unrecognized(l.unknown)
}

func (l *line) classify() error {
	dashes := false
	for _, arg := range l.args {
		switch {
		case dashes:
			l.items = append(l.items, item{name: arg})
		case arg == "--":
			dashes = true
			l.items = append(l.items, item{kind: itemDashes, name: arg})
		default:
			it, err := l.table.item(arg)
			if err != nil {
				return err
			}
			l.items = append(l.items, it)
		}
	}
	return nil
}

// negative is what argparse takes for a number rather than an option, as there
// is no option that looks like one.
var negative = regexp.MustCompile(`^-\d+$|^-\d*\.\d+$`)

// item mirrors _parse_optional.
func (t Table) item(arg string) (item, error) {
	if len(arg) < 2 || arg[0] != '-' {
		return item{name: arg}, nil
	}
	if o := t.find(arg); o != nil {
		return item{kind: itemOption, option: o, name: arg}, nil
	}
	name, value, attached := strings.Cut(arg, "=")
	if o := t.find(name); o != nil && attached {
		return item{kind: itemOption, option: o, name: name, value: value, attached: true}, nil
	}
	if isLong(arg) {
		o, err := t.abbreviated(name)
		if o != nil || err != nil {
			return item{kind: itemOption, option: o, name: name, value: value, attached: attached}, err
		}
	} else if o := t.find(arg[:2]); o != nil {
		return item{kind: itemOption, option: o, name: arg[:2], value: arg[2:], attached: true}, nil
	}
	if negative.MatchString(arg) || strings.Contains(arg, " ") {
		return item{name: arg}, nil
	}
	return item{kind: itemOption, name: arg}, nil
}

// takeArguments takes the positional arguments at an index, all that follow each
// other; those of a second group are in nobody's place.
func (l *line) takeArguments(at int) (next int) {
	next = at
	for next < len(l.items) && l.items[next].kind != itemOption {
		next++
	}
	for _, it := range l.items[at:next] {
		switch {
		case l.taken:
			l.unknown = append(l.unknown, it.name)
		case it.kind == itemArgument:
			l.parsed.Arguments = append(l.parsed.Arguments, it.name)
		}
	}
	l.taken = true
	return next
}

// takeOption mirrors consume_optional.
func (l *line) takeOption(at int) (next int, err error) {
	it := l.items[at]
	for {
		switch {
		case it.option == nil:
			l.unknown = append(l.unknown, it.name)
			return at + 1, nil
		case !it.attached:
			return l.takeValues(at+1, it)
		case it.option.takesValues():
			return at + 1, l.set(it, []string{it.value})
		case isLong(it.name) || it.value == "":
			return 0, fmt.Errorf("argument %s takes no value, got %q", it.name, it.value)
		}
		// A short flag with more in the same argument: -lV is -l -V.
		if err := l.set(it, nil); err != nil || l.parsed.Final != "" {
			return at + 1, err
		}
		rest := it.value
		further := l.table.find("-" + rest[:1])
		if further == nil {
			return 0, fmt.Errorf("argument %s takes no value, got %q", it.name, rest)
		}
		it = item{kind: itemOption, option: further, name: "-" + rest[:1], value: rest[1:], attached: len(rest) > 1}
	}
}

// takeValues takes the arguments at an index that belong to the option before.
func (l *line) takeValues(at int, it item) (next int, err error) {
	if !it.option.takesValues() {
		return at, l.set(it, nil)
	}
	next = at
	for next < len(l.items) && l.items[next].kind == itemArgument && (it.option.Kind == List || next == at) {
		next++
	}
	if it.option.Kind != List && next == at {
		return 0, fmt.Errorf("argument %s needs a value", it.name)
	}
	values := make([]string, 0, next-at)
	for _, value := range l.items[at:next] {
		values = append(values, value.name)
	}
	return next, l.set(it, values)
}

func (o *Option) takesValues() bool { return o.Kind == Value || o.Kind == List || o.Kind == Each }

// set notes what the command line says; the last one counts, but for an Each.
func (l *line) set(it item, values []string) error {
	if it.option.Refused != "" {
		return fmt.Errorf("argument %s: %s", it.name, it.option.Refused)
	}
	if it.option.Kind == Final {
		l.parsed.Final = it.option.Name()
		return nil
	}
	if it.option.Kind == Each {
		values = append(slices.Clip(l.parsed.settings[it.option.Name()].Values), values...)
	}
	l.parsed.settings[it.option.Name()] = Setting{Source: CommandLine, Origin: "argument " + it.name, On: true, Values: values}
	return nil
}

// unrecognized is the error about arguments that nothing takes.
func (t Table) unrecognized(args []string) error {
	text := "unrecognized arguments: " + strings.Join(args, " ")
	wrong, _, _ := strings.Cut(args[0], "=")
	if name := t.closest(wrong); name != "" {
		text += "\nDid you mean '" + name + "'?"
	}
	return errors.New(text)
}
