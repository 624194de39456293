package http1

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
)

const (
	// MaxHead is the largest head in bytes that ReadHead takes.
	MaxHead = 256 << 10
	// MaxInterim is how many interim answers may come before the final one.
	MaxInterim = 8
)

var (
	// ErrTooLong is returned for a head, a chunk's size line or trailer fields
	// that are too long.
	ErrTooLong = errors.New("http1: a part of the answer is too long")
	// ErrInterim is returned for more than MaxInterim interim answers.
	ErrInterim = errors.New("http1: too many interim answers")
)

// A StatusLineError is an answer that begins with anything but a status line.
type StatusLineError struct{ Line []byte }

func (e *StatusLineError) Error() string { return "http1: bad status line" }

// A VersionError is an answer in another protocol than HTTP/1.x.
type VersionError struct{ Version string }

func (e *VersionError) Error() string { return "http1: unknown protocol " + e.Version }

// A LengthError is an answer whose Content-Length fields contradict each other
// (RFC 9112, section 6.3). Values are all of them, joined by ", ".
type LengthError struct{ Values string }

func (e *LengthError) Error() string { return "http1: contradicting Content-Length " + e.Values }

// A Head is the head of an answer. What the client itself needs is taken out of
// it; all other fields stay in Raw and are looked up when somebody asks.
type Head struct {
	// Raw is the head as it came, from the status line to the blank line, with
	// folded lines joined by spaces.
	Raw []byte
	// Status is 100 to 999.
	Status int
	// Length is the Content-Length, or -1 without a usable one.
	Length int64
	// Chunked says that the body comes in chunks. It goes over Length.
	Chunked bool
	// Old says that the answer is of HTTP/1.0.
	Old bool
	// Close says that the connection ends with this answer.
	Close bool
	// Encoded, Located and Cookies say that there is a field Content-Encoding,
	// Location or Set-Cookie.
	Encoded, Located, Cookies bool

	fields int // where the first field line begins in Raw
}

// ReadHead reads the head of the first answer that is not an interim one (100 to
// 199 but 101; RFC 9110, section 15.2), and consumes it. h.Raw is part of the
// buffer, and valid until the next use of the reader. Its error is that of the
// connection, io.EOF at its end before the first byte, io.ErrUnexpectedEOF within
// the head, or one of this package's.
func ReadHead(b *Reader, h *Head) error {
	for range MaxInterim {
		end, err := findHead(b)
		if err != nil {
			return err
		}
		raw := b.buf[b.r : b.r+end]
		b.r += end
		if err := Parse(raw, h); err != nil {
			return err
		}
		if h.Status >= 200 || h.Status == 101 {
			return nil
		}
	}
	return ErrInterim
}

// findHead reads until a whole head is buffered and returns its length.
func findHead(b *Reader) (int, error) {
	seen, checked := 0, false
	for {
		have := b.buf[b.r:b.w]
		for {
			i := bytes.IndexByte(have[seen:], '\n')
			if i < 0 {
				break
			}
			first := seen == 0
			line := have[seen : seen+i+1]
			seen += i + 1
			if first && !checked {
				if checked = true; !isStatusLine(line) {
					return 0, &StatusLineError{bytes.Clone(line)}
				}
			}
			if len(line) == 1 || len(line) == 2 && line[0] == '\r' {
				return seen, nil
			}
		}
		if !checked && len(have) > 0 && !isStatusLine(have) {
			// There may be no line end at all. What came is all that is shown.
			return 0, &StatusLineError{bytes.Clone(have)}
		}
		if err := b.fill(MaxHead); err != nil {
			if errors.Is(err, io.EOF) && b.w > b.r {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
}

// isStatusLine reports whether a line, or its beginning, begins as a status line.
func isStatusLine(line []byte) bool {
	const protocol = "HTTP/"
	n := min(len(line), len(protocol))
	return string(line[:n]) == protocol[:n]
}

// Parse takes a whole head apart. It changes raw where lines are folded, and
// keeps it.
func Parse(raw []byte, h *Head) error {
	*h = Head{Raw: raw, Length: -1}
	end := bytes.IndexByte(raw, '\n') + 1
	old, err := h.statusLine(raw[:end])
	if err != nil {
		return err
	}
	h.fields, h.Old = end, old
	p := fieldParser{head: h, length: -1}
	for at := end; at < len(raw); {
		line, next := logicalLine(raw, at)
		if name, value, ok := field(line); ok {
			p.take(name, value)
		}
		at = next
	}
	return p.finish(old)
}

// statusLine takes the status line apart. old says that it is of HTTP/1.0.
func (h *Head) statusLine(line []byte) (old bool, err error) {
	version, rest := word(line)
	code, _ := word(rest)
	if len(code) != 3 || code[0] < '1' || !isDigit(code[0]) || !isDigit(code[1]) || !isDigit(code[2]) {
		return false, &StatusLineError{bytes.Clone(line)}
	}
	h.Status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	switch string(version) {
	case "HTTP/1.1":
		return false, nil
	case "HTTP/1.0", "HTTP/0.9":
		return true, nil
	}
	if !bytes.HasPrefix(version, []byte("HTTP/1.")) {
		return false, &VersionError{string(version)}
	}
	return false, nil
}

// Reason is the reason phrase, or nothing.
func (h *Head) Reason() []byte {
	if h.fields == 0 {
		return nil
	}
	_, rest := word(h.Raw[:h.fields])
	_, rest = word(rest)
	return bytes.TrimSpace(rest)
}

// Get returns the first value of a field, whose name may be in any letter case.
// ok is false when there is none.
func (h *Head) Get(key string) (value []byte, ok bool) {
	h.each(key, func(v []byte) bool {
		value, ok = v, true
		return false
	})
	return value, ok
}

// Each calls f with all values of a field, in order.
func (h *Head) Each(key string, f func(value []byte)) {
	h.each(key, func(v []byte) bool { f(v); return true })
}

func (h *Head) each(key string, f func(value []byte) bool) {
	for at := h.fields; at < len(h.Raw); {
		line, next := logicalLine(h.Raw, at)
		if name, value, ok := field(line); ok && len(name) == len(key) && strings.EqualFold(string(name), key) && !f(value) {
			return
		}
		at = next
	}
}

// logicalLine returns the line that begins at an offset, without its end, joined
// with the lines that continue it, and where the next one begins. Line ends within
// it become spaces (RFC 9112, section 5.2).
func logicalLine(raw []byte, at int) (line []byte, next int) {
	for from := at; ; {
		i := bytes.IndexByte(raw[from:], '\n')
		if i < 0 {
			return raw[at:], len(raw)
		}
		end := from + i
		next = end + 1
		cr := end > at && raw[end-1] == '\r'
		if next == len(raw) || raw[next] != ' ' && raw[next] != '\t' || end == at || cr && end-1 == at {
			if cr {
				end--
			}
			return raw[at:end], next
		}
		raw[end] = ' '
		if cr {
			raw[end-1] = ' '
		}
		from = next
	}
}

// field takes a field line apart. ok is false for a line that is none. A bare CR
// in the value becomes a space (RFC 9112, section 2.2).
func field(line []byte) (name, value []byte, ok bool) {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || line[0] == ' ' || line[0] == '\t' {
		return nil, nil, false
	}
	name = line[:colon]
	for name[len(name)-1] == ' ' || name[len(name)-1] == '\t' { // section 5.1
		name = name[:len(name)-1]
	}
	value = trim(line[colon+1:])
	for {
		i := bytes.IndexByte(value, '\r')
		if i < 0 {
			return name, value, true
		}
		value[i] = ' '
	}
}

// word returns the first word of a line and what follows it.
func word(s []byte) (first, rest []byte) {
	i := 0
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	j := i
	for j < len(s) && !isSpace(s[j]) {
		j++
	}
	return s[i:j], s[j:]
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// trim cuts blanks off both ends.
func trim(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// number reads a Content-Length. Too large a one is math.MaxInt64.
func number(s []byte) (n int64, ok bool) {
	if len(s) == 0 {
		return 0, false
	}
	for _, c := range s {
		if !isDigit(c) {
			return 0, false
		}
		if n > (math.MaxInt64-9)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
