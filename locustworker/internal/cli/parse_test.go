package cli

import (
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// table is small and has what can be mistaken for each other.
func table() Table {
	return Table{
		{Names: []string{"-h", "--help"}, Kind: Final},
		{Names: []string{"-V", "--version"}, Kind: Final},
		{Names: []string{"--config"}, Kind: Value},
		{Names: []string{"--config-users"}, Env: "CONFIG_USERS", Kind: List},
		{Names: []string{"-H", "--host"}, Env: "HOST", Kind: Value},
		{Names: []string{"--master"}, Env: "MASTER", Kind: Flag},
		{Names: []string{"--master-host"}, Env: "MASTER_HOST", Kind: Value},
		{Names: []string{"--master-port"}, Env: "MASTER_PORT", Kind: Value},
		{Names: []string{"-w", "--worker"}, Env: "WORKER", Kind: Flag},
		{Names: []string{"-l", "--list"}, Kind: Flag},
		{Names: []string{"-T", "--tags"}, Env: "TAGS", Kind: List},
		{Names: []string{"-E", "--exclude-tags"}, Env: "EXCLUDE_TAGS", Kind: List},
		{Names: []string{"--master-timeout"}, Kind: Value, Exact: true},
		{Names: []string{"--slave"}, Kind: Flag, Refused: "it is called --worker now"},
	}
}

// input is an Input without a system behind it.
func input(args []string, env, files map[string]string, order ...string) Input {
	return Input{
		Args:       args,
		LookupEnv:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Files:      order,
		FileOption: "--config",
		ReadFile: func(name string) ([]byte, error) {
			text, ok := files[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		},
	}
}

type parseCase struct {
	name, args string // args are separated by blanks, ~ stands for a blank in one
	want       map[string][]string
	arguments  []string
	final      string
	fails      string // what the error says
}

func parseCases() []parseCase {
	return []parseCase{
		{name: "nothing"},
		{name: "value", args: "--host x", want: map[string][]string{"--host": {"x"}}},
		{name: "attached", args: "--host=x=y", want: map[string][]string{"--host": {"x=y"}}},
		{name: "empty value", args: "--host=", want: map[string][]string{"--host": {""}}},
		{name: "short", args: "-H x", want: map[string][]string{"--host": {"x"}}},
		{name: "short attached", args: "-Hx", want: map[string][]string{"--host": {"x"}}},
		{name: "short with =", args: "-H=x", want: map[string][]string{"--host": {"x"}}},
		{name: "last counts", args: "--host x -H y", want: map[string][]string{"--host": {"y"}}},
		{name: "no value", args: "--host", fails: "--host needs a value"},
		{name: "an option for a value", args: "--host --list", fails: "--host needs a value"},
		{name: "dashes for a value", args: "--host -- x", fails: "--host needs a value"},
		{name: "negative value", args: "--master-port -1", want: map[string][]string{"--master-port": {"-1"}}},
		{name: "dash for a value", args: "--host -", want: map[string][]string{"--host": {"-"}}},
		{name: "flag", args: "--list", want: map[string][]string{"--list": nil}},
		{name: "flag with a value", args: "--list=yes", fails: `--list takes no value, got "yes"`},
		{name: "short flags together", args: "-lwHx", want: map[string][]string{"--list": nil, "--worker": nil, "--host": {"x"}}},
		{name: "no such flag among them", args: "-lx", fails: `-l takes no value, got "x"`},
		{name: "list", args: "-T a b --list", want: map[string][]string{"--tags": {"a", "b"}, "--list": nil}},
		{name: "empty list", args: "-T --list", want: map[string][]string{"--tags": {}, "--list": nil}},
		{name: "attached list ends", args: "--tags=a b", want: map[string][]string{"--tags": {"a"}}, arguments: []string{"b"}},
		{name: "list takes all", args: "-T a B", want: map[string][]string{"--tags": {"a", "B"}}},
		{name: "list ends at dashes", args: "-T a -- B", want: map[string][]string{"--tags": {"a"}}, arguments: []string{"B"}},
		{name: "last list counts", args: "-T a b -T c", want: map[string][]string{"--tags": {"c"}}},
		{name: "arguments first", args: "A B --list", want: map[string][]string{"--list": nil}, arguments: []string{"A", "B"}},
		{name: "arguments last", args: "--list A B", want: map[string][]string{"--list": nil}, arguments: []string{"A", "B"}},
		{name: "arguments in two places", args: "A --list B", fails: "unrecognized arguments: B"},
		{name: "option after dashes", args: "-- --list", arguments: []string{"--list"}},
		{name: "dashes twice", args: "A -- -- B", arguments: []string{"A", "--", "B"}},
		{name: "abbreviated", args: "--hos x --exclude a", want: map[string][]string{"--host": {"x"}, "--exclude-tags": {"a"}}},
		{name: "whole name wins", args: "--config x", want: map[string][]string{"--config": {"x"}}},
		{name: "ambiguous", args: "--master-x", fails: "unrecognized arguments: --master-x"},
		{name: "ambiguous", args: "--master- x", fails: "--master- could be any of --master-host, --master-port"},
		{name: "exact only", args: "--master-t x", fails: "unrecognized arguments: --master-t"},
		{name: "unknown", args: "--hots x", fails: "unrecognized arguments: --hots\nDid you mean '--host'?"},
		{name: "unknown with value", args: "--hots=x", fails: "unrecognized arguments: --hots=x\nDid you mean '--host'?"},
		{name: "unknown and unlike", args: "--zzz", fails: "unrecognized arguments: --zzz"},
		{name: "with a blank", args: "-x~y", arguments: []string{"-x y"}},
		{name: "number", args: "-1.5", arguments: []string{"-1.5"}},
		{name: "refused", args: "--slave", fails: "argument --slave: it is called --worker now"},
		{name: "help", args: "--list --help --hots", final: "--help", want: map[string][]string{"--list": nil}},
		{name: "version among flags", args: "-lV", final: "--version", want: map[string][]string{"--list": nil}},
		{name: "too late for help", args: "--host --help", fails: "--host needs a value"},
	}
}

func TestParseCommandLine(t *testing.T) {
	for _, test := range parseCases() {
		t.Run(test.name, func(t *testing.T) {
			args := strings.Fields(test.args)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "~", " ")
			}
			p, err := table().Parse(input(args, nil, map[string]string{"x": ""}))
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("got %v, want %q", err, test.fails)
				}
				return
			}
			got := map[string][]string{}
			for name, s := range p.settings {
				got[name] = s.Values
				if !s.On || s.Source != CommandLine {
					t.Errorf("%s: %+v", name, s)
				}
			}
			if err != nil || len(got)+len(test.want) > 0 && !reflect.DeepEqual(got, test.want) ||
				!slices.Equal(p.Arguments, test.arguments) || p.Final != test.final {
				t.Errorf("got %v, %q, %q, %v", got, p.Arguments, p.Final, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range parseCases() {
		f.Add(strings.ReplaceAll(test.args, " ", "\x00"), "[a,b]", "host = x\ntags = [c]")
	}
	f.Fuzz(func(t *testing.T, args, variable, file string) {
		env := map[string]string{"TAGS": variable, "HOST": variable, "WORKER": variable}
		split := strings.Split(args, "\x00")
		p, err := table().Parse(input(split, env, map[string]string{"f": file}, "f"))
		if err != nil || p.Final != "" {
			return
		}
		for name, s := range p.settings {
			o := table().find(name)
			if o.Kind == Value && len(s.Values) != 1 || o.Kind == Flag && s.Values != nil || s.Origin == "" || !s.On && o.Kind != Flag {
				t.Fatalf("%q %q %q: %s is %+v", split, variable, file, name, s)
			}
		}
		if len(p.Arguments) > len(split) {
			t.Fatalf("%q: %d arguments", split, len(p.Arguments))
		}
	})
}
