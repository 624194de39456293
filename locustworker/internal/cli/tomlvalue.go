package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxTOMLDepth bounds how deep lists and tables nest.
const maxTOMLDepth = 100

// value reads the value that stands here.
func (p *tomlParser) value() (any, error) { return p.valueAt(0) }

func (p *tomlParser) valueAt(depth int) (any, error) {
	switch {
	case depth > maxTOMLDepth:
		return nil, errors.New("lists and tables are nested too deep")
	case p.at == len(p.text):
		return nil, errors.New("a value is missing")
	case p.text[p.at] == '"', p.text[p.at] == '\'':
		return p.anyQuoted()
	case p.text[p.at] == '[':
		return p.list(depth)
	case p.text[p.at] == '{':
		return p.inlineTable(depth)
	}
	rest := p.text[p.at:]
	word := rest
	if end := strings.IndexAny(rest, ",]}#\n\t "); end >= 0 {
		word = rest[:end]
	}
	// A date and a time may stand beside each other with one blank between.
	if tail := rest[len(word):]; len(word) == len("2026-11-23") && word[4] == '-' && len(tail) > 2 && tail[0] == ' ' && isDigit(tail[1]) {
		end := strings.IndexAny(tail[1:], ",]}#\n\t ")
		if end < 0 {
			end = len(tail) - 1
		}
		word = rest[:len(word)+1+end]
	}
	value, err := tomlWord(word)
	if err == nil {
		p.at += len(word)
	}
	return value, err
}

func (p *tomlParser) list(depth int) (any, error) {
	p.at++
	list := []any{}
	for {
		p.blanks(true)
		if p.skip("]") {
			return list, nil
		}
		value, err := p.valueAt(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
		p.blanks(true)
		if !p.skip(",") && !strings.HasPrefix(p.text[p.at:], "]") {
			return nil, errors.New("a list has , between its values and ends in ]")
		}
	}
}

func (p *tomlParser) inlineTable(depth int) (any, error) {
	p.at++
	table := tomlTable{}
	p.blanks(false)
	if p.skip("}") {
		return table, nil
	}
	for {
		path, err := p.key()
		if err != nil {
			return nil, err
		}
		if !p.skip("=") {
			return nil, errors.New("after a key comes =")
		}
		p.blanks(false)
		value, err := p.valueAt(depth + 1)
		if err != nil {
			return nil, err
		}
		last := len(path) - 1
		inner, err := descend(table, path[:last])
		if err != nil {
			return nil, err
		}
		inner[path[last]] = value
		p.blanks(false)
		if p.skip("}") {
			return table, nil
		}
		if !p.skip(",") {
			return nil, errors.New("a table in braces has , between its pairs and ends in } on the same line")
		}
	}
}

// anyQuoted reads a text in one or three quotes.
func (p *tomlParser) anyQuoted() (string, error) {
	for _, quotes := range []string{`"""`, `'''`} {
		if p.skip(quotes) {
			return p.block(quotes)
		}
	}
	return p.quoted()
}

// quoted reads a text in one quote on one line.
func (p *tomlParser) quoted() (string, error) {
	quote := p.text[p.at]
	for end := p.at + 1; end < len(p.text) && p.text[end] != '\n'; end++ {
		switch {
		case p.text[end] == '\\' && quote == '"':
			end++
		case p.text[end] == quote:
			inside := p.text[p.at+1 : end]
			if quote == '"' {
				text, err := unescape(inside)
				if err != nil {
					return "", err
				}
				inside = text
			}
			p.at = end + 1
			return inside, nil
		}
	}
	return "", errors.New("a text has no closing quote on its line")
}

// block reads what follows three quotes, to the next three.
func (p *tomlParser) block(quotes string) (string, error) {
	p.skip("\n")
	end := p.at
	for ; ; end++ {
		switch {
		case end >= len(p.text):
			return "", errors.New("a text has no closing three quotes")
		case p.text[end] == '\\' && quotes[0] == '"':
			end++
			continue
		case !strings.HasPrefix(p.text[end:], quotes):
			continue
		}
		break
	}
	for extra := 0; extra < 2 && end+3 < len(p.text) && p.text[end+3] == quotes[0]; extra++ {
		end++ // up to two quotes may belong to the text
	}
	inside := p.text[p.at:end]
	if quotes[0] == '"' {
		text, err := unescape(inside)
		if err != nil {
			return "", err
		}
		inside = text
	}
	p.at = end + 3
	return inside, nil
}

// unescape replaces the escapes of a text in double quotes. A backslash at a
// line's end takes all blanks and line ends after it away.
func unescape(text string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, `\`)
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if rest == "" {
			return "", errors.New(`a text ends in \`)
		}
		const from, to = `btnfr"\`, "\b\t\n\f\r\"\\"
		if i := strings.IndexByte(from, rest[0]); i >= 0 {
			b.WriteByte(to[i])
			text = rest[1:]
			continue
		}
		if line := strings.TrimLeft(rest, " \t"); strings.HasPrefix(line, "\n") {
			text = strings.TrimLeft(line, " \t\n")
			continue
		}
		r, length := unicodeEscape(rest)
		if length == 0 {
			return "", fmt.Errorf(`\%.1s is no escape; write \\ for a backslash`, rest)
		}
		b.WriteRune(r)
		text = rest[length:]
	}
}

// unicodeEscape reads uXXXX or UXXXXXXXX; length is 0 when it is neither.
func unicodeEscape(text string) (r rune, length int) {
	switch text[0] {
	case 'u':
		length = 5
	case 'U':
		length = 9
	}
	if length == 0 || len(text) < length {
		return 0, 0
	}
	code, err := strconv.ParseUint(text[1:length], 16, 32)
	if err != nil || !utf8.ValidRune(rune(code)) {
		return 0, 0
	}
	return rune(code), length
}

// tomlWord reads a value that is neither quoted nor in brackets.
func tomlWord(word string) (any, error) {
	plain := strings.TrimLeft(word, "+-")
	switch {
	case word == "true", word == "false":
		return word == "true", nil
	case len(word)-len(plain) > 1, plain == "":
		return nil, fmt.Errorf("%q is no value; a text needs quotes", word)
	case plain == "inf" && word[0] == '-':
		return math.Inf(-1), nil
	case plain == "inf":
		return math.Inf(1), nil
	case plain == "nan":
		return math.NaN(), nil
	case !isDigit(plain[0]):
		return nil, fmt.Errorf("%q is no value; a text needs quotes", word)
	}
	digits := strings.ReplaceAll(strings.TrimPrefix(word, "+"), "_", "")
	base := 10
	if len(plain) > 1 && plain[0] == '0' && strings.ContainsRune("xob", rune(plain[1])) {
		base = 0
	}
	if n, ok := new(big.Int).SetString(digits, base); ok {
		return json.Number(n.String()), nil
	}
	if !strings.ContainsAny(plain, ":xXpP") && strings.Count(plain, "-") < 2 {
		if f, err := strconv.ParseFloat(digits, 64); err == nil || math.IsInf(f, 0) {
			return f, nil
		}
	}
	if len(plain) >= len("07:32:00") && (plain[2] == ':' || plain[4] == '-') {
		return word, nil // a date or a time
	}
	return nil, fmt.Errorf("%q is no value; a text needs quotes", word)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
