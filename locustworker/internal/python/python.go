// Package python writes values as Python does, where a text of a Go worker must
// equal that of a Python worker: the master merges rows of the failures table by
// their text, and Locust's tools read what --show-task-ratio-json prints.
package python

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Repr is Python's repr of a str. What counts as printable follows Go's Unicode
// tables; a Python with older tables escapes characters that were assigned since.
func Repr(s string) string {
	quote := '\''
	if strings.ContainsRune(s, '\'') && !strings.ContainsRune(s, '"') {
		quote = '"'
	}
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteRune(quote)
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
	return b.String()
}

// Float is Python's repr of a float: 1.0, 0.1, 1e-05, 1e+16.
func Float(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+"))
	}
	scientific := strconv.FormatFloat(f, 'e', -1, 64)
	_, exponent, _ := strings.Cut(scientific, "e")
	if power, err := strconv.Atoi(exponent); err != nil || power < -4 || power >= 16 {
		return scientific
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// JSON is what json.dumps writes for a str: a JSON string in ASCII.
func JSON(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r >= ' ' && r < utf8.RuneSelf && r != 0x7f:
			b.WriteRune(r)
		case strings.ContainsRune("\n\r\t\b\f", r):
			quoted := strconv.QuoteRune(r) // as in JSON
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Exception is the repr of an exception of that class: a str argument as its
// repr, a float as Python writes it, an error as its text, so that exceptions may
// hold others, and anything else as fmt.Sprint writes it.
func Exception(class string, args ...any) string {
	texts := make([]string, 0, len(args))
	for _, arg := range args {
		switch a := arg.(type) {
		case string:
			texts = append(texts, Repr(a))
		case float64:
			texts = append(texts, Float(a))
		case error:
			texts = append(texts, a.Error())
		default:
			texts = append(texts, fmt.Sprint(a))
		}
	}
	return class + "(" + strings.Join(texts, ", ") + ")"
}
