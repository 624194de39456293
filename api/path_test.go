package api

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParsePath(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"age", "$.age"},
		{".age", "$.age"},
		{"a.b[0].name", "$.a.b[0].name"},
		{"a.b[-1]", "$.a.b[-1]"},
		{"[0]", "$[0]"},
		{".[0]", "$[0]"},
		{"[0][1].x", "$[0][1].x"},
		{".", "$"},
		{"_a1", "$._a1"},
		{"1st", `$["1st"]`},
		{"first name", `$["first name"]`},
		{"größe.x", `$["größe"].x`},
		{"a-b", `$["a-b"]`},
		{"it's", `$["it's"]`},
		{`say "hi"`, `$['say "hi"']`},
		{`back\slash`, `$["back\\slash"]`},
		{"$price", `$["$price"]`},
		{"a*", `$["a*"]`},
		{`["a.b"]`, `$["a.b"]`},
		{`['a.b'].c`, `$["a.b"].c`},
		{`x["plain"]`, `$.x.plain`},
		{`[""]`, `$[""]`},
		{`["*"]`, `$["*"]`},
		{`["a\"b"]`, `$['a"b']`},
		{" a", `$[" a"]`},
		{`['a\'b"c']`, `$["a'b\"c"]`},
		{`["a\\b"]`, `$["a\\b"]`},
		{`["]"][0]`, `$["]"][0]`},
		{"[999999999999999999]", "$[999999999999999999]"},
	} {
		got, err := ParsePath(tc.text)
		if err != nil || got.String() != tc.want || got.Many() {
			t.Errorf("ParsePath(%q) = %q, many %t, %v, want %q", tc.text, got, got.Many(), err, tc.want)
		}
	}
}

func TestParsePathHandsOnJSONPaths(t *testing.T) {
	for _, text := range []string{"$", "$.a", "$..name", "$[*]", `$.a[?(@.b>1)]`, "$.not[valid"} {
		got, err := ParsePath(text)
		if err != nil || got.String() != text || !got.Many() {
			t.Errorf("ParsePath(%q) = %q, many %t, %v", text, got, got.Many(), err)
		}
	}
}

func TestParsePathErrors(t *testing.T) {
	for _, tc := range []struct{ text, says string }{
		{"", "empty"},
		{strings.Repeat("a", MaxPathLen+1), "4097 bytes"},
		{"$." + strings.Repeat("a", MaxPathLen), "4098 bytes"},
		{"a\xff", "UTF-8"},
		{"$.a\xff", "UTF-8"},
		{"..a", "$..name"},
		{"a..b", "expected a field name"},
		{"a.", "expected a field name"},
		{"a.[0]", "expected a field name"},
		{"*", "wildcard"},
		{"a.*", "wildcard"},
		{"a]", "] without ["},
		{"a[0]b", "expected . or ["},
		{"a[", "[ without ]"},
		{"a[0", "[ without ]"},
		{"a[]", "index"},
		{"a[-]", "index"},
		{"a[1:2]", "index"},
		{"a[*]", "index"},
		{"a[+1]", "index"},
		{"a[1234567890123456789]", "index"},
		{`a["b`, "does not end"},
		{`a["b"`, "expected ]"},
		{`a["b"x]`, "expected ]"},
		{`a["b\n"]`, "escapes"},
		{`a["b\`, "escapes"},
		{`a["b\'"]`, "escapes"},
	} {
		got, err := ParsePath(tc.text)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("ParsePath(%.20q) = %q, %v, want ErrInvalid that says %q", tc.text, got, err, tc.says)
		}
	}
}

func TestZeroPathIsTheRoot(t *testing.T) {
	var p Path
	if p.String() != "$" || p.Many() {
		t.Errorf("the zero Path is %q, many %t", p, p.Many())
	}
}

// FuzzParsePath holds what the store relies on: a path that was accepted begins with $, is UTF-8 and not much longer
// than the text; a plain one is made of quoted names, identifiers and indexes only, and parsing its steps again
// gives the same path.
func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{
		"age", "a.b[0].name", "$..a", "$", ".", `["a.b"]`, `['x\'y'][-3].z`, "größe", "..", "a[", `a["b\`, "$price", "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePath(text)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%v is no ErrInvalid", err)
			}
			return
		}
		expr := p.String()
		if expr[0] != '$' || !utf8.ValidString(expr) || len(expr) > 8*len(text)+1 {
			t.Errorf("ParsePath(%q) = %q", text, expr)
		}
		if p.Many() {
			if expr != text {
				t.Errorf("a JSONPath was changed: %q to %q", text, expr)
			}
			return
		}
		steps := strings.TrimPrefix(expr, "$")
		if steps == "" {
			steps = "."
		}
		again, err := ParsePath(steps)
		if len(steps) <= MaxPathLen && (err != nil || again != p) {
			t.Errorf("ParsePath(%q) = %q, whose steps parse as %q, %v", text, expr, again, err)
		}
	})
}

// TestPathsThatRedisJSONCannotChange holds which plain paths need the whole document, and which JSONPaths are refused.
func TestPathsThatRedisJSONCannotChange(t *testing.T) {
	for text, whole := range map[string]bool{
		"a.b": false, `a"b`: false, "it's": false, "größe": false, "a b": false, `[" "]`: true, "x. a[0]": true,
		`back\slash`: true, `\`: true, `a"'`: true, `["\\"].x`: true,
	} {
		path, err := ParsePath(text)
		if err != nil || path.Whole() != whole || path.Changeable() != nil {
			t.Errorf("%s: whole %v, %v, %v", text, path.Whole(), path.Changeable(), err)
		}
	}
	for text, changeable := range map[string]bool{
		"$": true, "$..name": true, `$["a b"]`: true, `$.a[?(@.b =~ "x\\.y")]`: true,
		`$["\\"]`: false, `$.x[ 'it\'s' ].y`: false, `$["a", "b\\"]`: false,
	} {
		path, err := ParsePath(text)
		if err != nil || path.Whole() || (path.Changeable() == nil) != changeable {
			t.Errorf("%s: whole %v, %v, %v", text, path.Whole(), path.Changeable(), err)
		}
	}
}
