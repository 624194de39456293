package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
)

// ErrorKey returns the key under which a report holds the errors of one method,
// name and text: the SHA-256 in hex that a Python worker uses for the same
// three (StatsError.create_key in locust/stats.py), so that the master merges
// the rows of both.
func ErrorKey(method, name, text string) string {
	key := validUTF8(method) + "." + validUTF8(name) + "." + pythonRepr(maskAddress(validUTF8(text)))
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// maskAddress hides the address of the first "object at 0x…>" wherever it
// appears in the text, as StatsError.parse_error does.
func maskAddress(text string) string {
	const target = "object at 0x"
	at := strings.Index(text, target)
	if at < 0 {
		return text
	}
	start := at + len(target) - len("0x")
	length := strings.IndexByte(text[start:], '>')
	if length < 0 {
		return text
	}
	return strings.ReplaceAll(text, text[start:start+length], "0x....")
}

// pythonRepr is Python's repr of a str. What counts as printable follows Go's
// Unicode tables; a Python with older tables escapes characters that were
// assigned since.
func pythonRepr(s string) string {
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
