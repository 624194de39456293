package http1

import (
	"bytes"
)

// A fieldParser collects what the fields say about the framing of an answer.
type fieldParser struct {
	head                   *Head
	length                 int64 // -1 for none yet
	unusable, contradicted bool
	coded                  bool // there is a Transfer-Encoding
	closes, stays          bool
}

func (p *fieldParser) take(name, value []byte) {
	switch len(name) {
	case len("location"):
		p.head.Located = p.head.Located || is(name, "location")
	case len("connection"): // and set-cookie
		if is(name, "connection") {
			p.connection(value)
		} else if is(name, "set-cookie") {
			p.head.Cookies = true
		}
	case len("content-length"):
		if is(name, "content-length") {
			p.contentLength(value)
		}
	case len("content-encoding"):
		p.head.Encoded = p.head.Encoded || is(name, "content-encoding")
	case len("transfer-encoding"):
		if is(name, "transfer-encoding") {
			p.transferEncoding(value)
		}
	}
}

// is compares a name with one in lower case of the same length.
func is(name []byte, lower string) bool {
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func (p *fieldParser) connection(value []byte) {
	for element := range bytes.SplitSeq(value, []byte(",")) {
		switch element = trim(element); len(element) {
		case len("close"):
			p.closes = p.closes || is(element, "close")
		case len("keep-alive"):
			p.stays = p.stays || is(element, "keep-alive")
		}
	}
}

// contentLength takes one field, which may be a list of the same value
// (RFC 9112, section 6.3).
func (p *fieldParser) contentLength(value []byte) {
	for element := range bytes.SplitSeq(value, []byte(",")) {
		n, ok := number(trim(element))
		switch {
		case !ok:
			p.unusable = true
		case p.length >= 0 && p.length != n:
			p.contradicted = true
		default:
			p.length = n
		}
	}
}

func (p *fieldParser) transferEncoding(value []byte) {
	p.coded = true
	for element := range bytes.SplitSeq(value, []byte(",")) {
		coding, _, _ := bytes.Cut(element, []byte(";"))
		if coding = trim(coding); len(coding) == len("chunked") && is(coding, "chunked") {
			p.head.Chunked = true
		}
	}
}

// finish sets what follows from all fields together. old says HTTP/1.0, whose
// connections end unless both sides agree otherwise (section 9.3), and of which
// Transfer-Encoding is no part (section 6.1).
func (p *fieldParser) finish(old bool) error {
	h := p.head
	h.Close = p.closes || old && (!p.stays || p.coded)
	switch {
	case h.Chunked:
	case p.contradicted:
		var all []byte
		h.Each("content-length", func(v []byte) {
			if all != nil {
				all = append(all, ", "...)
			}
			all = append(all, v...)
		})
		return &LengthError{string(all)}
	case !p.unusable:
		h.Length = p.length
	}
	return nil
}
