package stats

import (
	"net/netip"
	"strconv"
	"strings"
)

const (
	minDigits     = 6     // of a run of digits that is taken for an id
	minFraction   = 4     // digits after the point of a number that was measured
	minHexDigits  = 8     // of a word that is taken for an id
	minAddress    = 6     // hex digits of a memory address
	ephemeralPort = 32768 // first port that Linux gives to a client by default
)

// ipv6End returns the end of an IPv6 address at i that has a digit and stands
// between borders, or 0.
func ipv6End(s string, i int) int {
	if c := s[i]; !isHex(c) && c != ':' || !startsToken(before(s, i)) {
		return 0
	}
	end := span(s, i, func(c byte) bool { return isHex(c) || c == ':' || c == '.' })
	if strings.Count(s[i:end], ":") < 2 {
		return 0
	}
	if last := s[end-1]; (last == ':' || last == '.') && isBlank(byteAt(s, end)) && !strings.HasSuffix(s[i:end], "::") {
		end-- // punctuation
	}
	if byteAt(s, end) == '%' {
		end = wordEnd(s, end+1)
	}
	if !strings.ContainsAny(s[i:end], "0123456789") || !endsToken(s, end) {
		return 0
	}
	if _, err := netip.ParseAddr(s[i:end]); err != nil {
		return 0
	}
	return end
}

// startsToken reports whether an IPv6 address may start after the byte.
func startsToken(c byte) bool { return isBlank(c) || strings.IndexByte("([{'\"=,;/@", c) >= 0 }

// endsToken reports whether an IPv6 address or a timestamp may end before
// s[end].
func endsToken(s string, end int) bool {
	next := byteAt(s, end)
	if next == ':' || next == '.' || next == ',' {
		return isBlank(byteAt(s, end+1))
	}
	return isBlank(next) || strings.IndexByte(")]}'\";/?", next) >= 0
}

// isBlank reports whether c is white space or the end of the text.
func isBlank(c byte) bool { return c == 0 || c == ' ' || c == '\t' || c == '\n' }

// addressPlace returns the placeholder of an IP address after the given text, ""
// if it stays. What decides lies directly before it and is never replaced itself.
func addressPlace(text string) string {
	bare := strings.TrimSuffix(text, "[")
	if strings.HasSuffix(bare, "://") || endsInKey(strings.TrimRight(bare, `'"\`), "host=") {
		return ""
	}
	for _, words := range [...]string{"Connection to ", "connection to ", "Connecting to ", "connecting to "} {
		if endsInKey(text, words) {
			return ""
		}
	}
	return placeIP
}

// endsInKey reports whether a text ends with a key that begins with a word of its
// own: neither the end of a name nor the zone of an address.
func endsInKey(text, key string) bool {
	at := len(text) - len(key)
	return strings.HasSuffix(text, key) && (at == 0 || !isWord(text[at-1]) && text[at-1] != '_' && text[at-1] != '%')
}

// ipv4End returns the end of an IPv4 address at i, or 0.
func ipv4End(s string, i int) int {
	run := span(s, i, func(c byte) bool { return isDigit(c) || c == '.' })
	end := i + len(strings.TrimRight(s[i:run], "."))
	if strings.Count(s[i:end], ".") != 3 || isWord(byteAt(s, run)) {
		return 0
	}
	if end < run && !isBlank(byteAt(s, run)) {
		return 0 // more than the end of a sentence
	}
	if _, err := netip.ParseAddr(s[i:end]); err != nil {
		return 0
	}
	return end
}

// fractionEnd returns the end of the digits after the point at i if they are
// many, or 0.
func fractionEnd(s string, i int) int {
	if byteAt(s, i) != '.' {
		return 0
	}
	end := span(s, i+1, isDigit)
	unit := span(s, end, isLetter)
	if end-i-1 < minFraction || isDigit(byteAt(s, unit)) {
		return 0
	}
	return end
}

// uuidEnd returns the end of a UUID that begins with the word s[i:end], or 0.
func uuidEnd(s string, i, end int) int {
	const shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if end-i != len("xxxxxxxx") || !hasShape(s, i, shape) || isWord(byteAt(s, i+len(shape))) {
		return 0
	}
	return i + len(shape)
}

// timeEnd returns the end of a timestamp that begins with the word s[i:end], or
// 0. The fraction of the second and the zone are optional.
func timeEnd(s string, i, end int) int {
	const shape, zone = "dddd-dd-ddTdd:dd:dd", "+dd:dd"
	if end-i != len("dddd") || !hasShape(s, i, shape) {
		return 0
	}
	end = i + len(shape)
	if c := byteAt(s, end); (c == '.' || c == ',') && isDigit(byteAt(s, end+1)) {
		end = span(s, end+1, isDigit)
	}
	if byteAt(s, end) == 'Z' {
		end++
	} else if hasShape(s, end, zone) {
		end += len(zone)
	}
	if !endsToken(s, end) {
		return 0
	}
	return end
}

// hasShape reports whether the text at i has the shape: x is a hex digit, d a
// digit, T a T or space, + a sign, everything else itself.
func hasShape(s string, i int, shape string) bool {
	if len(s)-i < len(shape) {
		return false
	}
	for k := range len(shape) {
		c := s[i+k]
		var fits bool
		switch shape[k] {
		case 'x':
			fits = isHex(c)
		case 'd':
			fits = isDigit(c)
		case 'T':
			fits = c == 'T' || c == ' '
		case '+':
			fits = c == '+' || c == '-'
		default:
			fits = c == shape[k]
		}
		if !fits {
			return false
		}
	}
	return true
}

// numberPlace returns the placeholder of the number s[i:end], "" if it stays.
func numberPlace(s string, i, end int) string {
	switch {
	case strings.HasSuffix(s[:i], "goroutine "), end-i >= minDigits:
		return placeNumber
	case before(s, i) == ':' && strings.HasPrefix(s[end:], "->"):
		return placePort
	case isEphemeral(s[i:end]) && (before(s, i) == ':' || afterPort(s[:i])):
		return placePort
	default:
		return ""
	}
}

func isEphemeral(number string) bool {
	port, err := strconv.ParseUint(number, 10, 16)
	return err == nil && port >= ephemeralPort
}

// afterPort reports whether a text ends with the word "port" and a separator.
func afterPort(s string) bool {
	const word = "port"
	trimmed := strings.TrimRight(s, " =:")
	at := len(trimmed) - len(word)
	return len(trimmed) < len(s) && at >= 0 && strings.EqualFold(trimmed[at:], word)
}

// wordToken returns the token for the word s[i:end], which is not a number.
func wordToken(s string, i, end int) token {
	word := s[i:end]
	if isAddress(word, strings.HasSuffix(s[:i], "object at ")) {
		return token{i, end, placeAddress, end}
	}
	runs, long := digitRuns(word)
	switch {
	case runs == 0:
		return token{i, end, "", end}
	case len(word) >= minHexDigits && span(word, 0, isHex) == len(word):
		return token{i, end, placeHex, end}
	case long < minDigits:
		return token{i, end, "", end}
	case runs > 1:
		return token{i, end, placeID, end}
	default:
		from := i + strings.IndexAny(word, "0123456789")
		return token{from, from + long, placeNumber, end}
	}
}

// isAddress reports whether a word is a memory address.
func isAddress(word string, object bool) bool {
	if len(word) < 3 || word[0] != '0' || word[1]|0x20 != 'x' {
		return false
	}
	return span(word, 2, isHex) == len(word) && (object || len(word) >= 2+minAddress)
}

// digitRuns returns the number of runs of digits in a word and the length of the
// longest.
func digitRuns(word string) (runs, longest int) {
	for i := 0; i < len(word); i++ {
		if end := span(word, i, isDigit); end > i {
			runs++
			longest = max(longest, end-i)
			i = end
		}
	}
	return runs, longest
}
