package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// parseTOML returns what the table [tool.locust] of a TOML file holds: texts,
// numbers, booleans and lists of them (LocustTomlConfigParser). It reads all of
// TOML 1.0 in order to find that table, but does not check everything that a
// TOML parser checks: a date is any word that begins with a digit, and a table
// may stand in two places.
func parseTOML(text string) ([]entry, error) {
	p := tomlParser{text: text, root: tomlTable{}}
	if err := p.document(); err != nil {
		return nil, fmt.Errorf("line %d: %w", 1+strings.Count(text[:p.at], "\n"), err)
	}
	tool, _ := p.root["tool"].(tomlTable)
	locust, _ := tool["locust"].(tomlTable)
	entries := make([]entry, 0, len(locust))
	for key, value := range locust {
		if list, ok := value.([]any); ok {
			e := entry{key: key, values: make([]string, 0, len(list)), list: true}
			for _, element := range list {
				e.values = append(e.values, elementText(element))
			}
			entries = append(entries, e)
			continue
		}
		entries = append(entries, entry{key: key, values: []string{elementText(value)}})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return entries, nil
}

// A tomlTable is a table; its values are string, bool, json.Number (a whole
// number), float64, []any and tomlTable. A date is a string.
type tomlTable = map[string]any

// A tomlParser reads from the place at on.
type tomlParser struct {
	text string
	at   int
	root tomlTable
}

var errTOMLKey = errors.New("a key is missing or holds a character that needs quotes")

func (p *tomlParser) document() error {
	table := p.root
	for {
		p.blanks(true)
		var err error
		switch {
		case p.at == len(p.text):
			return nil
		case p.text[p.at] == '[':
			table, err = p.header()
		default:
			err = p.pair(table)
		}
		if err == nil {
			err = p.lineEnd()
		}
		if err != nil {
			return err
		}
	}
}

// header reads [table] or [[table]] and returns the table.
func (p *tomlParser) header() (tomlTable, error) {
	brackets := "]"
	p.at++
	if p.skip("[") {
		brackets = "]]"
	}
	path, err := p.key()
	if err != nil {
		return nil, err
	}
	if !p.skip(brackets) {
		return nil, fmt.Errorf("a table's name must end in %s", brackets)
	}
	if brackets == "]" {
		return descend(p.root, path)
	}
	last := len(path) - 1
	parent, err := descend(p.root, path[:last])
	if err != nil {
		return nil, err
	}
	tables, isList := parent[path[last]].([]any)
	if parent[path[last]] != nil && !isList {
		return nil, fmt.Errorf("%s is no list of tables", strings.Join(path, "."))
	}
	table := tomlTable{}
	parent[path[last]] = append(tables, table)
	return table, nil
}

// descend returns the table at a path, which it makes where there is none; of a
// list of tables the last one counts.
func descend(table tomlTable, path []string) (tomlTable, error) {
	for _, key := range path {
		next := table[key]
		if list, ok := next.([]any); ok && len(list) > 0 {
			next = list[len(list)-1]
		}
		if next == nil {
			next = tomlTable{}
			table[key] = next
		}
		inner, ok := next.(tomlTable)
		if !ok {
			return nil, fmt.Errorf("%s is no table", key)
		}
		table = inner
	}
	return table, nil
}

// pair reads key = value into a table.
func (p *tomlParser) pair(table tomlTable) error {
	path, err := p.key()
	if err != nil {
		return err
	}
	if !p.skip("=") {
		return errors.New("after a key comes =")
	}
	p.blanks(false)
	value, err := p.value()
	if err != nil {
		return err
	}
	last := len(path) - 1
	if table, err = descend(table, path[:last]); err != nil {
		return err
	}
	if _, twice := table[path[last]]; twice {
		return fmt.Errorf("the key %s stands here twice", strings.Join(path, "."))
	}
	table[path[last]] = value
	return nil
}

// key reads a key with its dots, and the blanks around it.
func (p *tomlParser) key() ([]string, error) {
	var path []string
	for {
		p.blanks(false)
		part, err := p.keyPart()
		if err != nil {
			return nil, err
		}
		path = append(path, part)
		p.blanks(false)
		if !p.skip(".") {
			return path, nil
		}
	}
}

func (p *tomlParser) keyPart() (string, error) {
	if p.at < len(p.text) && (p.text[p.at] == '"' || p.text[p.at] == '\'') {
		return p.quoted()
	}
	bare := func(r rune) bool {
		return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	rest := p.text[p.at:]
	part := rest[:len(rest)-len(strings.TrimLeftFunc(rest, bare))]
	if part == "" {
		return "", errTOMLKey
	}
	p.at += len(part)
	return part, nil
}

// lineEnd makes sure that nothing but a comment follows on the line.
func (p *tomlParser) lineEnd() error {
	p.blanks(false)
	if p.at < len(p.text) && p.text[p.at] != '#' && p.text[p.at] != '\n' {
		return errors.New("something follows that does not belong on this line")
	}
	return nil
}

// blanks skips blanks, and line ends and comments too if told to.
func (p *tomlParser) blanks(lines bool) {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ' || c == '\t', lines && c == '\n':
			p.at++
		case lines && c == '#':
			end := strings.IndexByte(p.text[p.at:], '\n')
			if end < 0 {
				end = len(p.text) - p.at
			}
			p.at += end
		default:
			return
		}
	}
}

// skip moves past a text if it stands here.
func (p *tomlParser) skip(text string) bool {
	if strings.HasPrefix(p.text[p.at:], text) {
		p.at += len(text)
		return true
	}
	return false
}
