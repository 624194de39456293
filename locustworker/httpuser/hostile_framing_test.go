package httpuser

import (
	"bytes"
	"fmt"
	"strings"
)

// framings are the ways in which a body is framed, the usual ones more than once.
func framings() []string {
	return []string{
		"length", "length", "length", "length", "length", "length", "chunks", "chunks", "chunks", "chunks", "until close", "until close",
		"length twice", "two lengths", "length and chunks", "identity", "chunked twice", "no last CRLF", "short", "bad length", "bad chunk", "odd chunks", "more than the length",
		"short chunk",
	}
}

// framing ends the head and adds the body.
func (m *hostileMaker) framing(body []byte) {
	n := len(body)
	part := one(m, framings()...)
	if m.bodyless {
		body = nil
		if m.IntN(8) > 0 {
			part = "length"
		}
	}
	if n == 0 && (part == "short" || part == "two lengths") {
		part = "length"
	}
	m.c.parts = append(m.c.parts, part)
	switch part {
	case "length":
		m.line("%s:%s%d", one(m, "Content-Length", "content-length", "CONTENT-LENGTH"), one(m, " ", "", "  "), n)
	case "chunks", "odd chunks", "bad chunk", "short chunk", "no last CRLF":
		m.line("%s: %s", one(m, "Transfer-Encoding", "transfer-encoding"), one(m, "chunked", "chunked", "Chunked", " chunked "))
		body = m.chunked(part, body)
	case "until close":
		m.c.closes = true
	case "length twice":
		m.lengthTwice(n)
	case "two lengths":
		m.line("Content-Length: %d", n)
		m.line("Content-Length: %d", n+1)
		m.c.closes = true
	case "length and chunks":
		m.line("Content-Length: %d", 3)
		m.line("Transfer-Encoding: chunked")
		body = m.chunked(part, body)
	case "identity":
		m.line("Transfer-Encoding: identity")
		m.line("Content-Length: %d", n)
	case "chunked twice":
		if m.IntN(2) == 0 {
			m.line("Transfer-Encoding: chunked, chunked")
		} else {
			m.line("Transfer-Encoding: chunked")
			m.line("Transfer-Encoding: chunked")
		}
		body = m.chunked(part, body)
	case "short":
		m.line("Content-Length: %d", n+10)
		m.c.closes = true
	case "bad length":
		m.line("Content-Length: %s", one(m, "abc", "-5", "", "0x10"))
		m.c.closes = true
	case "more than the length":
		m.line("Content-Length: %d", n)
		if !m.bodyless {
			body = append(bytes.Clone(body), one(m, "\r\n", "HTTP/1.1 200 OK\r\n\r\n", "x")...)
		}
	}
	m.finish(body)
}

// finish ends the head, adds the body and makes sure that the connection ends where
// one of the clients needs that.
func (m *hostileMaker) finish(body []byte) {
	if m.IntN(2) == 0 && m.rarely(1, "half a head") {
		m.c.closes, body = true, nil
	} else {
		m.line("")
	}
	m.c.answer = append(m.head.Bytes(), body...)
	if m.status == 204 || m.status == 304 {
		m.c.parts = append(m.c.parts, "no body by status")
		m.c.closes = true // stock waits for its chunks
	}
}

func (m *hostileMaker) lengthTwice(n int) {
	if m.IntN(2) == 0 {
		m.line("Content-Length: %d", n)
		m.line("content-length: %d", n)
		return
	}
	m.line("Content-Length: %d, %d", n, n)
	m.line("Connection: close") // stock reads until then
	m.c.closes = true
}

// chunked frames a body in chunks of random sizes.
func (m *hostileMaker) chunked(part string, body []byte) []byte {
	if m.bodyless {
		return nil
	}
	var b bytes.Buffer
	rest := body
	for len(rest) > 0 {
		n := min(1+m.IntN(200), len(rest))
		size := fmt.Sprintf("%x", n)
		if part == "odd chunks" {
			size = one(m, "", "0", "000") + one(m, size, strings.ToUpper(size)) + one(m, "", " ", ";ext", ";ext=\"v\"", " ;a=b")
		}
		fmt.Fprintf(&b, "%s\r\n%s\r\n", size, rest[:n])
		rest = rest[n:]
	}
	switch part {
	case "bad chunk":
		m.c.closes = true
		b.WriteString(one(m, "zz\r\n\r\n", "-1\r\nx\r\n", "\r\n", "5x\r\nabcde\r\n"))
		return b.Bytes()
	case "short chunk":
		m.c.closes = true
		b.WriteString(one(m, "5\r\nabc", "5\r\n", "5", ""))
		return b.Bytes()
	case "no last CRLF":
		m.c.closes = true
		b.WriteString("0\r\n")
		return b.Bytes()
	}
	b.WriteString(one(m, "0\r\n\r\n", "0\r\n\r\n", "00\r\n\r\n", "0\r\nX-Trailer: 1\r\n\r\n", "0;ext\r\n\r\n"))
	return b.Bytes()
}
