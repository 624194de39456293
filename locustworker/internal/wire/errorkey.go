package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/bandwing/bandwing/locustworker/internal/python"
)

// ErrorKey returns the key under which a report holds the errors of one method,
// name and text: the SHA-256 in hex that a Python worker uses for the same
// three (StatsError.create_key in locust/stats.py), so that the master merges
// the rows of both.
func ErrorKey(method, name, text string) string {
	key := validUTF8(method) + "." + validUTF8(name) + "." + python.Repr(maskAddress(validUTF8(text)))
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
