package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// readEnvironment sets what the command line has not.
func (t Table) readEnvironment(in Input, p *Parsed) error {
	for i := range t {
		o := &t[i]
		if _, set := p.settings[o.Name()]; set || o.Env == "" {
			continue
		}
		text, set := in.LookupEnv(o.Env)
		if !set {
			continue
		}
		values, isList := []string{text}, false
		if o.Kind == List || o.Kind == Each {
			if list, ok := parseList(text); ok {
				values, isList = list, true
			}
		}
		s, ok, err := o.setting(Environment, "environment variable "+o.Env, values, isList)
		if err != nil {
			return err
		}
		if ok {
			p.settings[o.Name()] = s
		}
	}
	return nil
}

// An entry is a key of a configuration file and its values.
type entry struct {
	key    string
	values []string
	list   bool // the values are a list; else there is one
}

// readFiles sets what neither the command line nor the environment has, from the
// strongest file to the weakest.
func (t Table) readFiles(in Input, p *Parsed) error {
	var named []string
	if s, ok := p.settings[in.FileOption]; ok {
		name := expandHome(in, s.Values[0])
		if err := t.readFile(in, p, name); err != nil {
			return fmt.Errorf("%s: %w", s.Origin, err)
		}
		named = append(named, name)
	}
	for i := len(in.Files) - 1; i >= 0; i-- {
		name := expandHome(in, in.Files[i])
		if len(named) > 0 && name == named[0] {
			continue // it says nothing new
		}
		if err := t.readFile(in, p, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// readFile sets what stronger sources have not. Of a key that stands in the file
// twice the last one counts.
func (t Table) readFile(in Input, p *Parsed, name string) error {
	data, err := in.ReadFile(name)
	if err != nil {
		return fmt.Errorf("cannot read the configuration file %s: %w", name, err)
	}
	if !utf8.Valid(data) {
		return fmt.Errorf("%s: not a text in UTF-8", name)
	}
	text := unixLines(strings.TrimPrefix(string(data), "\ufeff"))
	var entries []entry
	if path.Ext(filepath.ToSlash(name)) == ".toml" {
		entries, err = parseTOML(text)
	} else {
		entries, err = parseConf(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	last := make(map[string]int)
	for i, e := range entries {
		last[e.key] = i
	}
	found := make(map[string]Setting)
	for i, e := range entries {
		if last[e.key] != i {
			continue
		}
		o := t.key(e.key)
		if o == nil {
			p.UnknownKeys = append(p.UnknownKeys, name+": "+e.key)
			continue
		}
		if _, stronger := p.settings[o.Name()]; stronger {
			continue
		}
		s, ok, err := o.setting(ConfigFile, name+": "+e.key, e.values, e.list)
		if err != nil {
			return err
		}
		if ok {
			found[o.Name()] = s
		}
	}
	for name, s := range found {
		p.settings[name] = s
	}
	return nil
}

// unixLines makes every line end in \n, as Python's text files do.
func unixLines(text string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
}

func (t Table) key(key string) *Option {
	for i := range t {
		if t[i].isKey(key) {
			return &t[i]
		}
	}
	return nil
}

func expandHome(in Input, name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, set := in.LookupEnv("HOME"); set && home != "" {
			return filepath.Join(home, rest)
		}
	}
	return name
}
