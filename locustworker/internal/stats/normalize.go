package stats

import (
	"strings"
	"unicode/utf8"
)

// DefaultErrorLength is the length in bytes that NormalizeError cuts to if it is
// given none.
const DefaultErrorLength = 1000

// cutMark ends a text that was cut.
const cutMark = "…"

// scanFactor bounds how much of a text is looked at: this many times the length
// that it is cut to.
const scanFactor = 8

// What stands for the parts of a text that differ from one error to the next.
// None is ever taken for such a part itself, nor joins with its neighbours to one.
const (
	placeIP      = "<ip>"
	placePort    = "<port>"
	placeUUID    = "<uuid>"
	placeTime    = "<time>"
	placeHex     = "<hex>"
	placeNumber  = "<n>"
	placeID      = "<id>"
	placeAddress = "0x...." // as in StatsError.parse_error of locust/stats.py
)

// NormalizeError returns the text of an error as a row of the failures table
// should show it: valid UTF-8, at most maxLen bytes (DefaultErrorLength if that
// is not positive), and with what differs from one occurrence to the next
// replaced, because every different text is a row of its own:
//
//   - IPv4 and IPv6 addresses become <ip>, except where the text says that they
//     are what was asked for: in host='…', in a URL, and after "connection to" and
//     "connecting to". There are few of those, and Python's rows of the same
//     failure have them: HTTPConnectionPool(host='10.0.0.1', port=5000);
//   - a port from 32768 up after a colon or the word "port", and any port of the
//     form ":port->" (the local end in Go's network errors), becomes <port>;
//   - UUIDs become <uuid>, ISO 8601 timestamps <time>, words of 8 or more hex
//     digits <hex>;
//   - runs of 6 or more digits, numbers with 4 or more digits after the point
//     and goroutine ids become <n>; a word with such a run and others becomes <id>;
//   - memory addresses (0x and 6 or more digits, or any after "object at ")
//     become 0x....
//
// Other ports stay, and so does all other text; a text that was cut ends in "…".
// Normalizing again changes nothing.
func NormalizeError(text string, maxLen int) string {
	if maxLen <= 0 {
		maxLen = DefaultErrorLength
	}
	if maxLen < len(text)/scanFactor {
		text = cutRunes(text, scanFactor*maxLen) + cutMark
	}
	text = replaceVolatile(strings.ToValidUTF8(text, "\uFFFD"))
	for len(text) > maxLen {
		// What is left of a word at the end may be a token, and its placeholder
		// longer than it was. This ends: a placeholder is never a token again.
		text = replaceVolatile(shorten(text, maxLen))
	}
	return text
}

// CutError returns a text as valid UTF-8 of at most maxLen bytes. One that was cut
// ends in "…".
func CutError(text string, maxLen int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= maxLen {
		return text
	}
	return shorten(text, maxLen)
}

// shorten cuts a text to at most size bytes, the mark of the cut included.
func shorten(text string, size int) string {
	if size < len(cutMark) {
		return cutRunes(text, size)
	}
	return cutRunes(text, size-len(cutMark)) + cutMark
}

// cutRunes returns the longest prefix of at most size bytes that does not end
// within a rune.
func cutRunes(text string, size int) string {
	if len(text) <= size {
		return text
	}
	for size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size]
}

// replaceVolatile puts placeholders into a text in one pass from left to right.
//
// A second pass must find nothing: no token may come to life when a neighbour is
// replaced. So words are looked at as a whole, and the matchers that go beyond
// one demand borders that no placeholder has.
func replaceVolatile(text string) string {
	var out strings.Builder
	copied := 0
	for i := 0; i < len(text); {
		t := nextToken(text, i)
		if t.place != "" {
			out.WriteString(text[copied:t.start])
			out.WriteString(t.place)
			copied = t.end
		}
		i = t.next
	}
	if copied == 0 {
		return text
	}
	out.WriteString(text[copied:])
	return out.String()
}

// A token is a part of a text, with the placeholder that it should become (""
// for none) and the position where to go on.
type token struct {
	start, end int
	place      string
	next       int
}

// nextToken returns the token at i, which is never within a word.
func nextToken(s string, i int) token {
	if end := ipv6End(s, i); end > i {
		return token{i, end, addressPlace(s[:i]), end}
	}
	end := wordEnd(s, i)
	if end == i {
		return token{i, i, "", i + 1}
	}
	if long, place := longToken(s, i, end); long > i {
		return token{i, long, place, wordEnd(s, long)}
	}
	if isNumber(s[i:end]) {
		return token{i, end, numberPlace(s, i, end), end}
	}
	return wordToken(s, i, end)
}

// longToken returns the end of a token that begins with the word s[i:end] and
// goes on beyond it, and its placeholder; or 0.
func longToken(s string, i, end int) (int, string) {
	if long := uuidEnd(s, i, end); long > i {
		return long, placeUUID
	}
	if long := timeEnd(s, i, end); long > i {
		return long, placeTime
	}
	if !isNumber(s[i:end]) || before(s, i) == '.' {
		return 0, ""
	}
	if long := ipv4End(s, i); long > i {
		return long, addressPlace(s[:i])
	}
	if long := fractionEnd(s, end); long > i {
		return long, placeNumber
	}
	return 0, ""
}

// before returns the byte before s[i], or 0.
func before(s string, i int) byte {
	if i == 0 {
		return 0
	}
	return s[i-1]
}

// byteAt returns s[i], or 0 at the end.
func byteAt(s string, i int) byte {
	if i >= len(s) {
		return 0
	}
	return s[i]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isHex(c byte) bool { return isDigit(c) || ('a' <= c|0x20 && c|0x20 <= 'f') }

func isWord(c byte) bool { return isDigit(c) || isLetter(c) }

// span returns the end of the run of bytes at i that are in a class.
func span(s string, i int, class func(byte) bool) int {
	for i < len(s) && class(s[i]) {
		i++
	}
	return i
}

func wordEnd(s string, i int) int { return span(s, i, isWord) }

// isNumber reports whether a word consists of digits only.
func isNumber(word string) bool { return span(word, 0, isDigit) == len(word) }
