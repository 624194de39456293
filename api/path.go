package api

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxPathLen is the longest path in bytes. RedisJSON's path parser is recursive: a filter with some 100,000 nested
// parentheses overflows its stack and kills the whole Redis server.
const MaxPathLen = 4096

// maxIndexDigits keeps an array index within 64 bits.
const maxIndexDigits = 18

// Path addresses values in a JSON document. The zero value is the root. Make one with ParsePath.
type Path struct {
	expr  string // as String returns it; empty: the root
	many  bool
	whole bool
}

// String is the path in RedisJSON's `$` syntax.
func (p Path) String() string {
	if p.expr == "" {
		return "$"
	}
	return p.expr
}

// Many says that the caller wrote a `$` path and expects an array of all matches, however many there are. Any other
// path selects one value at most and stands for that value.
func (p Path) Many() bool { return p.many }

// Whole says that a name in a plain path is one that RedisJSON 2.8 cannot take for itself: it has a backslash, quotes of
// both kinds, or a space at its beginning. The whole document has to be read and written then; Locate finds the place.
func (p Path) Whole() bool { return p.whole }

// escapedName finds a quoted name with a backslash in a JSONPath.
const escapedName = `[\[,]\s*(?:"[^"\\]*\\|'[^'\\]*\\)`

// Changeable returns ErrInvalid for a JSONPath that quotes a name with a backslash in it, else nil. RedisJSON 2.8 finds
// the member that such a path names, but changes the one whose name is spelled as the path spells it: the path to \ would
// change the member \\.
func (p Path) Changeable() error {
	if p.many && strings.Contains(p.expr, `\`) && regexp.MustCompile(escapedName).MatchString(p.expr) {
		return fmt.Errorf("%w: path %.100q: RedisJSON cannot change what has a backslash in its name: "+
			"write a plain path, which does not begin with $", ErrInvalid, p.expr)
	}
	return nil
}

// ParsePath reads a path as users write it. The error wraps ErrInvalid.
//
// A text that is `$` or begins with `$.` or `$[` is a JSONPath. It goes to RedisJSON as it is, which may find fault
// with it later, and it yields an array of matches. Everything else is a plain path to one value:
//
//	path   = "." | [ "." ] first { step }      "." alone is the root
//	first  = name | index | quoted
//	step   = "." name | index | quoted
//	name   = one or more characters other than . [ ]   (but not * alone)
//	index  = "[" [ "-" ] digit { digit } "]"           counted from the end if negative: [-1] is the last
//	quoted = "[" '"' { any | \" | \\ } '"' "]"         or in single quotes, with \' and \\
//
// Keys with a dot, a bracket or no characters at all need the quoted form: ["dotted.key"].a, [""]. Spaces and any
// other characters need none: first name, größe. Wildcards, slices, filters and recursive descent need a JSONPath.
func ParsePath(text string) (Path, error) {
	switch {
	case text == "":
		return Path{}, fmt.Errorf("%w: the path is empty: write a field such as age, a.b[0].name or $..name", ErrInvalid)
	case len(text) > MaxPathLen:
		return Path{}, fmt.Errorf("%w: the path has %d bytes, %d are allowed", ErrInvalid, len(text), MaxPathLen)
	case !utf8.ValidString(text):
		return Path{}, fmt.Errorf("%w: the path is not UTF-8", ErrInvalid)
	case text == "$" || strings.HasPrefix(text, "$.") || strings.HasPrefix(text, "$["):
		return Path{expr: text, many: true}, nil
	case isIdentifier(text):
		return Path{expr: "$." + text}, nil
	}
	p := pathParser{text: text}
	p.out.Grow(len("$.") + len(text))
	p.out.WriteByte('$')
	if err := p.parse(); err != nil {
		return Path{}, fmt.Errorf("%w: path %.100q: %w", ErrInvalid, text, err)
	}
	return Path{expr: p.out.String(), whole: p.whole}, nil
}

// pathParser turns a plain path into a `$` path.
type pathParser struct {
	text  string
	pos   int
	out   strings.Builder
	whole bool // see Path.Whole
}

func (p *pathParser) parse() error {
	if p.text[0] == '.' {
		p.pos++
		if p.pos == len(p.text) {
			return nil
		}
	}
	first := true
	for p.pos < len(p.text) {
		if err := p.step(first); err != nil {
			return err
		}
		first = false
	}
	return nil
}

func (p *pathParser) step(first bool) error {
	switch p.text[p.pos] {
	case '[':
		p.pos++
		return p.bracket()
	case '.':
		if first {
			return fmt.Errorf("two dots: for every field of a name, at any depth, write $..name")
		}
		p.pos++
	default:
		if !first {
			return fmt.Errorf("at byte %d: expected . or [ after ]", p.pos)
		}
	}
	return p.name()
}

func (p *pathParser) name() error {
	end := strings.IndexAny(p.text[p.pos:], ".[]")
	if end < 0 {
		end = len(p.text) - p.pos
	}
	name := p.text[p.pos : p.pos+end]
	p.pos += end
	switch {
	case name == "":
		return fmt.Errorf("at byte %d: expected a field name; one with . [ or ] in it is written [\"like.this\"]", p.pos)
	case name == "*":
		return fmt.Errorf("a wildcard needs a JSONPath: write $.*; a field of that name is written [\"*\"]")
	case p.pos < len(p.text) && p.text[p.pos] == ']':
		return fmt.Errorf("at byte %d: ] without [", p.pos)
	}
	p.writeName(name)
	return nil
}

// bracket reads what follows a [.
func (p *pathParser) bracket() error {
	rest := p.text[p.pos:]
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		return p.quoted(rest[0])
	}
	end := strings.IndexByte(rest, ']')
	if end < 0 {
		return fmt.Errorf("at byte %d: [ without ]", p.pos-1)
	}
	index := rest[:end]
	if !isIndex(index) {
		return fmt.Errorf("[%.40s] is neither an index such as [0] or [-1] nor a quoted name such as [\"a.b\"]; "+
			"slices, wildcards and filters need a JSONPath that begins with $", index)
	}
	p.pos += end + 1
	p.out.WriteByte('[')
	p.out.WriteString(index)
	p.out.WriteByte(']')
	return nil
}

func (p *pathParser) quoted(quote byte) error {
	start := p.pos
	var name strings.Builder
	for p.pos++; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; c {
		case quote:
			if !strings.HasPrefix(p.text[p.pos+1:], "]") {
				return fmt.Errorf("at byte %d: expected ] after the quoted name", p.pos+1)
			}
			p.pos += len(`"]`)
			p.writeName(name.String())
			return nil
		case '\\':
			p.pos++
			if p.pos == len(p.text) || (p.text[p.pos] != quote && p.text[p.pos] != '\\') {
				return fmt.Errorf(`at byte %d: in quotes only \%c and \\ are escapes`, p.pos-1, quote)
			}
			name.WriteByte(p.text[p.pos])
		default:
			name.WriteByte(c)
		}
	}
	return fmt.Errorf("at byte %d: the quoted name does not end", start)
}

var nameEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// writeName uses the quoted form for all that RedisJSON does not take after a dot, with the quotes that the name does not
// have. RedisJSON reads \" and \\, but does not find a name with an escape when it changes a value, and it drops spaces
// that a quoted name begins with.
func (p *pathParser) writeName(name string) {
	if isIdentifier(name) {
		p.out.WriteByte('.')
		p.out.WriteString(name)
		return
	}
	backslash, double, single := strings.Contains(name, `\`), strings.Contains(name, `"`), strings.Contains(name, `'`)
	if double && !single && !backslash {
		p.out.WriteString(`['`)
		p.out.WriteString(name)
		p.out.WriteString(`']`)
	} else {
		p.out.WriteString(`["`)
		p.out.WriteString(nameEscaper.Replace(name))
		p.out.WriteString(`"]`)
	}
	p.whole = p.whole || backslash || double && single || strings.HasPrefix(name, " ")
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func isIndex(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > maxIndexDigits {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}
