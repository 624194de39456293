package cli

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// Conformance: C4
func TestStrongerSourcesWin(t *testing.T) {
	files := map[string]string{
		"/home/me/weak.conf": "host = weak\nmaster-port = 1\ntags = [weak]\nexclude-tags = [weak]\nlist = yes\nworker",
		"strong.toml":        "[tool.locust]\nhost = 'strong'\nmaster-port = 2\ntags = ['strong']\nexclude-tags = ''",
		"named.conf":         "host = named\nmaster-port = 3",
	}
	env := map[string]string{"HOME": "/home/me", "HOST": "env", "TAGS": "", "WORKER": "off"}
	args := []string{"--host", "line", "--config", "named.conf"}
	steps := []struct {
		args []string
		env  map[string]string
		want map[string]string
	}{
		{args, env, map[string]string{"--host": "argument --host|line", "--master-port": "named.conf: master-port|3"}},
		{args[2:], env, map[string]string{"--host": "environment variable HOST|env", "--master-port": "named.conf: master-port|3"}},
		{nil, env, map[string]string{"--host": "environment variable HOST|env", "--tags": "strong.toml: tags|strong"}},
		{nil, map[string]string{"HOME": "/home/me"}, map[string]string{"--host": "strong.toml: host|strong"}},
		{nil, env, map[string]string{"--exclude-tags": "/home/me/weak.conf: exclude-tags|weak", "--list": "/home/me/weak.conf: list|"}},
		{nil, map[string]string{"HOST": ""}, map[string]string{"--host": "environment variable HOST|"}},
	}
	for _, step := range steps {
		p, err := table().Parse(input(step.args, step.env, files, "~/weak.conf", "absent.conf", "strong.toml"))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range step.want {
			s, set := p.Setting(name)
			if got := s.Origin + "|" + strings.Join(s.Values, ","); !set || !s.On || got != want {
				t.Errorf("%v %v: %s is %q, want %q", step.args, step.env, name, got, want)
			}
		}
	}
}

func TestFlagsThatAreOffStayOff(t *testing.T) {
	p, err := table().Parse(input(nil, map[string]string{"WORKER": "False"}, map[string]string{"a": "worker = true"}, "a"))
	if s, set := p.Setting("--worker"); err != nil || !set || s.On || s.Source != Environment {
		t.Errorf("%+v, %t, %v", s, set, err)
	}
}

func TestUnknownKeysAreNamed(t *testing.T) {
	files := map[string]string{"a.conf": "host = x\nmy-option = 3\n--other"}
	p, err := table().Parse(input(nil, nil, files, "a.conf"))
	if want := []string{"a.conf: my-option", "a.conf: --other"}; err != nil || !slices.Equal(p.UnknownKeys, want) {
		t.Errorf("%q, %v", p.UnknownKeys, err)
	}
}

func TestSourcesThatFail(t *testing.T) {
	tests := []struct {
		name  string
		args  string
		env   map[string]string
		file  string
		fails string
	}{
		{name: "flag in the environment", env: map[string]string{"WORKER": "perhaps"}, fails: `environment variable WORKER: "perhaps" is none of true`},
		{name: "empty flag", env: map[string]string{"WORKER": ""}, fails: "environment variable WORKER"},
		{name: "flag in a file", file: "worker = 2", fails: "a.conf: worker"},
		{name: "list for one value", file: "host = [a, b]", fails: "a.conf: host: takes one value, not a list"},
		{name: "list for a flag", file: "worker = [a]", fails: "a.conf: worker: takes one value"},
		{name: "dashes in a list", env: map[string]string{"TAGS": "[a, --]"}, fails: "environment variable TAGS: a list cannot hold --"},
		{name: "help in a file", file: "help", fails: "a.conf: help: can be given on the command line only"},
		{name: "refused in a file", file: "slave = no", fails: "a.conf: slave: it is called --worker now"},
		{name: "ill-formed file", file: "= x", fails: "a.conf: line 1"},
		{name: "not a text", file: "host = \xff", fails: "a.conf: not a text in UTF-8"},
		{name: "no such file", args: "--config b.conf", fails: "argument --config: cannot read the configuration file b.conf"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := table().Parse(input(strings.Fields(test.args), test.env, map[string]string{"a.conf": test.file}, "a.conf"))
			if err == nil || !strings.Contains(err.Error(), test.fails) {
				t.Errorf("got %v, want %q", err, test.fails)
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	in := input(nil, nil, nil, "a.conf")
	in.ReadFile = func(string) ([]byte, error) { return nil, fs.ErrPermission }
	if _, err := table().Parse(in); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	in = input([]string{"--config", "b"}, nil, nil)
	if _, err := table().Parse(in); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestHelpReadsNoFiles(t *testing.T) {
	p, err := table().Parse(input([]string{"-h"}, map[string]string{"WORKER": "x"}, map[string]string{"a": "="}, "a"))
	if err != nil || p.Final != "--help" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestOddFiles(t *testing.T) {
	for name, text := range map[string]string{"byte order mark": "\ufeffhost = x", "old line ends": "worker\rhost = x\r", "twice": "host = y\nhost = x"} {
		p, err := table().Parse(input(nil, nil, map[string]string{"a": text}, "a"))
		if s, _ := p.Setting("--host"); err != nil || len(s.Values) != 1 || s.Values[0] != "x" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	p, err := table().Parse(input([]string{"--config", "a"}, nil, map[string]string{"a": "mine = 1"}, "a"))
	if err != nil || !slices.Equal(p.UnknownKeys, []string{"a: mine"}) {
		t.Errorf("a file that is named twice is read once: %q, %v", p.UnknownKeys, err)
	}
}
