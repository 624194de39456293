package api

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
)

// checkSurrogates returns ErrInvalid when a string in a JSON text has an escape for half of a character, such as \ud83d
// without \ude00 after it. encoding/json makes U+FFFD of it, under which different ids would become one key.
func checkSurrogates(text []byte) error {
	const size = len(`\u0000`)
	for i := 0; ; {
		n := bytes.IndexByte(text[i:], '\\')
		if n < 0 {
			return nil
		}
		i += n
		first := escapedUnit(text[i:])
		if !utf16.IsSurrogate(first) {
			i = min(i+len(`\n`), len(text))
			continue
		}
		if utf16.DecodeRune(first, escapedUnit(text[i+size:])) == '\ufffd' {
			return fmt.Errorf("%w: %s is half of a character (a lone surrogate): send both halves, or the character itself",
				ErrInvalid, text[i:i+size])
		}
		i += 2 * size
	}
}

// escapedUnit returns the UTF-16 code unit of a \uXXXX that text begins with, -1 for another text.
func escapedUnit(text []byte) rune {
	if len(text) < len(`\u0000`) || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(unit)
}
