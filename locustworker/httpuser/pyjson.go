package httpuser

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxJSONDepth bounds how deep values are nested that are looked at.
const maxJSONDepth = 10_000

// A jsonError is what Python's json module says of a text that is no JSON, and
// the byte at which it stops.
type jsonError struct {
	what string
	at   int
}

// in is the text of the error, as JSONDecodeError has it for the document.
func (e *jsonError) in(doc string) string {
	before := doc[:e.at]
	line := 1 + strings.Count(before, "\n")
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.what, line, column, utf8.RuneCountInString(before))
}

// checkJSON reports why Python's json.loads refuses a text, or nil. As there,
// NaN and Infinity are values. It does not allocate for what is accepted.
func checkJSON(text []byte) *jsonError {
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		return &jsonError{"Unexpected UTF-8 BOM (decode using utf-8-sig)", 0}
	}
	s := jsonScanner{text: text}
	i := s.space(s.value(s.space(0)))
	if s.what == "" && i < len(text) {
		s.fail("Extra data", i)
	}
	if s.what == "" {
		return nil
	}
	return &jsonError{s.what, s.at}
}

// A jsonScanner goes through a text once. Its methods take where to begin and
// return where to go on; after a failure that is the end of the text.
type jsonScanner struct {
	text  []byte
	depth int
	what  string // is wrong, "" for nothing
	at    int
}

func (s *jsonScanner) fail(what string, at int) int {
	if s.what == "" {
		s.what, s.at = what, at
	}
	return len(s.text)
}

// is tells whether the byte at i is c.
func (s *jsonScanner) is(i int, c byte) bool { return i < len(s.text) && s.text[i] == c }

func (s *jsonScanner) digit(i int) bool {
	return i < len(s.text) && '0' <= s.text[i] && s.text[i] <= '9'
}

func (s *jsonScanner) space(i int) int {
	for i < len(s.text) && (s.text[i] == ' ' || s.text[i] == '\t' || s.text[i] == '\n' || s.text[i] == '\r') {
		i++
	}
	return i
}

var jsonWords = [...]string{"null", "true", "false", "NaN", "Infinity", "-Infinity"}

func (s *jsonScanner) value(i int) int {
	if i == len(s.text) {
		return s.fail("Expecting value", i)
	}
	switch s.text[i] {
	case '"':
		return s.str(i)
	case '{', '[':
		if s.depth++; s.depth > maxJSONDepth {
			return s.fail("Nested too deeply", i)
		}
		defer func() { s.depth-- }()
		if s.text[i] == '{' {
			return s.object(i + 1)
		}
		return s.array(i + 1)
	}
	for _, word := range jsonWords {
		if s.text[i] == word[0] && len(s.text)-i >= len(word) && string(s.text[i:i+len(word)]) == word {
			return i + len(word)
		}
	}
	return s.number(i)
}

// number takes as much as can belong to a number.
func (s *jsonScanner) number(start int) int {
	i := start
	if s.is(i, '-') {
		i++
	}
	switch {
	case s.is(i, '0'):
		i++
	case s.digit(i):
		i = s.digits(i)
	default:
		return s.fail("Expecting value", start)
	}
	if s.is(i, '.') && s.digit(i+1) {
		i = s.digits(i + 1)
	}
	if s.is(i, 'e') || s.is(i, 'E') {
		exponent := i + 1
		if s.is(exponent, '+') || s.is(exponent, '-') {
			exponent++
		}
		if s.digit(exponent) {
			i = s.digits(exponent)
		}
	}
	return i
}

func (s *jsonScanner) digits(i int) int {
	for s.digit(i) {
		i++
	}
	return i
}

func (s *jsonScanner) array(i int) int {
	if i = s.space(i); s.is(i, ']') {
		return i + 1
	}
	for s.what == "" {
		i = s.space(s.value(i))
		switch {
		case s.is(i, ']'):
			return i + 1
		case !s.is(i, ','):
			return s.fail("Expecting ',' delimiter", i)
		}
		i = s.space(i + 1)
	}
	return i
}

func (s *jsonScanner) object(i int) int {
	if i = s.space(i); s.is(i, '}') {
		return i + 1
	}
	for s.what == "" {
		if !s.is(i, '"') {
			return s.fail("Expecting property name enclosed in double quotes", i)
		}
		if i = s.space(s.str(i)); !s.is(i, ':') {
			return s.fail("Expecting ':' delimiter", i)
		}
		i = s.space(s.value(s.space(i + 1)))
		switch {
		case s.is(i, '}'):
			return i + 1
		case !s.is(i, ','):
			return s.fail("Expecting ',' delimiter", i)
		}
		i = s.space(i + 1)
	}
	return i
}

// str takes a string that begins with the quote at start.
func (s *jsonScanner) str(start int) int {
	for i := start + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return s.fail("Invalid control character at", i)
		case c == '\\':
			if i = s.escape(start, i+1); s.what != "" {
				return i
			}
		}
	}
	return s.fail("Unterminated string starting at", start)
}

// escape takes what follows a backslash and returns its last byte.
func (s *jsonScanner) escape(start, i int) int {
	const digits = 4
	switch {
	case i == len(s.text):
		return s.fail("Unterminated string starting at", start)
	case s.text[i] != 'u':
		if bytes.IndexByte([]byte(`"\/bfnrt`), s.text[i]) < 0 {
			return s.fail(`Invalid \escape`, i-1)
		}
		return i
	case i+1+digits >= len(s.text):
		return s.fail(`Invalid \uXXXX escape`, i)
	}
	for _, c := range s.text[i+1 : i+1+digits] {
		if !isHex(c) {
			return s.fail(`Invalid \uXXXX escape`, i)
		}
	}
	return i + digits
}
