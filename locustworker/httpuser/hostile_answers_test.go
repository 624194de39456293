package httpuser

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
)

// A hostileCase is a request and the answer that is played to it, put together
// from parts that servers have been seen to send.
type hostileCase struct {
	name         string
	method, path string
	body         string
	answer       []byte
	closes       bool     // the connection ends with the answer
	parts        []string // what it is made of, for messages and differences
}

// A hostileMaker draws cases from a seed.
type hostileMaker struct {
	*rand.Rand
	c        *hostileCase
	head     bytes.Buffer
	eol      string
	status   int
	bodyless bool
}

func makeHostile(seed uint64, n int) []*hostileCase {
	cases := make([]*hostileCase, n)
	for i := range cases {
		m := &hostileMaker{Rand: rand.New(rand.NewPCG(seed, uint64(i))), c: &hostileCase{name: fmt.Sprintf("%d-%d", seed, i)}}
		m.request()
		m.statusLine()
		m.fields()
		m.cookies()
		m.oddCookie()
		if !m.redirect() {
			m.framing(m.coded([]byte(strings.Repeat("a page of "+m.c.name+". ", 1+m.IntN(40)))))
		}
		cases[i] = m.c
	}
	return cases
}

// one draws an element.
func one[T any](m *hostileMaker, of ...T) T { return of[m.IntN(len(of))] }

// rarely is true in n of 100 cases, which it marks as having that part.
func (m *hostileMaker) rarely(n int, part string) bool {
	if m.IntN(100) >= n {
		return false
	}
	m.c.parts = append(m.c.parts, part)
	return true
}

func (m *hostileMaker) line(format string, args ...any) {
	fmt.Fprintf(&m.head, format, args...)
	m.head.WriteString(m.eol)
}

func (m *hostileMaker) request() {
	m.c.method = one(m, "GET", "GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD")
	if m.c.method == "POST" || m.c.method == "PUT" {
		m.c.body = "q=" + m.c.name
	}
	m.c.path = "/case/" + one(m, "", "a b", "a[1]{x}|y", "é?q=é", "x/../y", "a%2Fb%41", "a%zz", "?", "?q", "x?a=[1]&b={2}", "x#f", "./..//z", "a?b?c", "~-._!$'()*+,;=:@")
	m.eol = "\r\n"
	if m.rarely(8, "LF alone") {
		m.eol = "\n"
		m.c.closes = true
	}
}

func (m *hostileMaker) statusLine() {
	m.status = one(m, 200, 200, 200, 200, 200, 200, 201, 203, 204, 206, 304, 400, 404, 418, 499, 500, 503, 600, 999)
	if m.rarely(4, "100 Continue") {
		m.line("HTTP/1.1 100 Continue")
		m.line("")
	}
	if m.IntN(2) == 0 && m.rarely(1, "103 Early Hints") {
		m.line("HTTP/1.1 103 Early Hints")
		m.line("Link: </a.css>")
		m.line("")
	}
	m.bodyless = m.c.method == "HEAD" || m.status == 204 || m.status == 304
	reason := one(m, " OK", " OK", " OK", "", " ", " It's \"fine\"", " gevond\xc3\xa9n", "  two  words ")
	version := "HTTP/1.1"
	switch {
	case m.rarely(5, "HTTP/1.0"):
		version = "HTTP/1.0"
	case m.rarely(2, "HTTP/1.2"):
		version = "HTTP/1.2"
	case m.rarely(2, "other protocol"):
		version = one(m, "HTTP/2.0", "HTTP/3", "ICY", "http/1.1", "SSH-2.0-x")
		m.c.closes = true
	case m.rarely(2, "bad status"):
		m.line("HTTP/1.1 %s", one(m, "2000 OK", "20 OK", "abc OK", "-200", "", "099 X"))
		m.c.closes = true
		return
	}
	m.line("%s%s%d%s", version, one(m, " ", " ", " ", "  ", "\t"), m.status, reason)
}

func (m *hostileMaker) fields() {
	for range m.IntN(5) {
		m.line("%s", one(
			m, "Server: x", "server:x", "X-Empty:", "X-Empty: ", "X-Latin: \xe9\xff", "X-UTF8: é", "ETag:\t\"a:b\" ", "x-ODD-case:   1  ",
			"X-Quoted: \"a\\\"b\"", "Date: now", "X-Long: "+strings.Repeat("x", 5000), "_under_score: 1", "X.Dot: 1", "Vary: *", "Set-Cookie2: a=b",
		))
	}
	if m.rarely(4, "folded") {
		m.line("X-Folded: one")
		m.line("%stwo", one(m, " ", "\t", "   "))
	}
	if m.rarely(1, "no colon") {
		m.line("this is no field")
		m.c.closes = true
	}
	if m.rarely(1, "blank before the colon") {
		m.line("X-Blank : 1")
		m.c.closes = true
	}
	switch n := m.IntN(12); {
	case n == 0 || m.c.closes:
		m.line("Connection: close")
		m.c.closes = true
	case n == 1:
		m.line("connection: Keep-Alive")
	case n == 2:
		m.line("Connection: foo, close")
		m.c.closes = true
	}
}

func (m *hostileMaker) cookies() {
	for range m.IntN(4) - 1 {
		m.line("%s: %s", one(m, "Set-Cookie", "set-cookie", "SET-COOKIE"), one(
			m, "a=1", "a=2; Path=/", "b=\"quoted\"", "b=\"two words\"; path=/", `json={"k":"v","n":[1,2]}; Path=/`, "c=a,b,c; Path=/", `d=back\slash; Path=/`,
			"e=é; Path=/", "f=x=y=z; Path=/", "g[1]=2; Path=/", "h{a}=(b); path=/", "i=; Path=/", " j = spaced ; Path=/", "k=1; Path=/case", "k=2; Path=/",
			"l=1; Path=/other", "m=1; Max-Age=0; Path=/", "n=1; Max-Age=100; Path=/", "o=1; Path=/; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
			"p=1; Path=/; expires=Wednesday, 21-Oct-2099 07:28:00 GMT", "q=1; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT", "r=1; Path=/; Secure", "s=1; Path=/; HttpOnly; SameSite=Lax",
			"t=1; Path=/; Domain=127.0.0.1", "u=1; Path=/; Domain=example.com", "w=1; Path=", "x; Path=/", "=nameless; Path=/", "y=1;Path=/;;  ;Foo=bar",
			"z=1; PATH=/; MAX-AGE=50", "a%20b=c%20d; Path=/", "b64=YWJj==; Path=/", "pipe=a|b`c^d; Path=/", "sl=a/b:c@d?e; Path=/", "a=3; Path=/next", "a=1; Path=/; Max-Age=-1",
			"bb=1; Path=/; Expires=Thu, 01 Jan 2099 00:00:00 +0000",
		))
	}
}

// oddCookie sets one that stock does not take as RFC 6265 says.
func (m *hostileMaker) oddCookie() {
	if m.rarely(1, "odd cookie") {
		m.line("Set-Cookie: %s", one(m, "v=1; Path=relative", "aa=1; Path=/; Max-Age=soon", `cc="{\\"k\\": 1}"; Path=/`))
	}
}

// redirect answers with one, or reports false.
func (m *hostileMaker) redirect() bool {
	if !m.rarely(15, "redirect") {
		return false
	}
	m.head.Reset()
	m.status, m.bodyless = one(m, 301, 302, 303, 307, 308), m.c.method == "HEAD"
	m.line("HTTP/1.1 %d Moved", m.status)
	if m.c.closes {
		m.line("Connection: close")
	}
	m.cookies()
	location := one(
		m, "/to", "to", "./to", "../to", "../../../to", "?q=1", "#frag", "/to#frag", "/a b", "/é", "/a%20b?x=%41", "//{host}/to", "http://{host}/to", "HTTP://{host}/to?x#y",
		"http://{host}", "http://{host}?q", "/a[1]{2}", "/to?u=http://x/", "to;p?q", "/./a/../b", "/to?", "/a%2Fb",
	)
	m.c.parts = append(m.c.parts, "location "+location)
	m.line("%s:%s%s", one(m, "Location", "location"), one(m, " ", ""), location)
	m.framing([]byte(one(m, "", "moved")))
	return true
}

// coded packs a body and says so.
func (m *hostileMaker) coded(body []byte) []byte {
	if m.bodyless || !m.rarely(35, "coded") {
		return body
	}
	coding := one(m, "gzip", "gzip", "gzip", "GZip", "x-gzip", "deflate", "deflate", "raw deflate", "br", "br", "gzip, br", "deflate, gzip", "gzip, gzip", "unknown", "identity")
	m.c.parts = append(m.c.parts, coding)
	if coding == "raw deflate" {
		m.line("Content-Encoding: deflate")
	} else {
		m.line("%s: %s", one(m, "Content-Encoding", "content-encoding"), coding)
	}
	for name := range strings.SplitSeq(strings.ToLower(coding), ", ") {
		body = pack(name, body)
	}
	switch first := strings.ToLower(coding); {
	case !strings.HasSuffix(first, "gzip"):
	case m.rarely(6, "bytes behind the trailer"):
		body = append(body, "garbage"...)
	case m.rarely(6, "two members"):
		body = append(body, pack("gzip", []byte("and more"))...)
	case m.rarely(6, "no trailer"):
		body = body[:len(body)-8]
	case m.rarely(4, "cut off"):
		body = body[:len(body)*2/3]
	case m.rarely(4, "bad checksum"):
		body[len(body)-6] ^= 0xff
	}
	switch {
	case m.rarely(4, "not coded"):
		body = []byte("this was never compressed")
	case m.rarely(3, "empty"):
		body = nil
	}
	return body
}

func pack(coding string, body []byte) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip", "x-gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "raw deflate":
		w, _ = flate.NewWriter(&b, flate.DefaultCompression)
	case "br":
		w = brotli.NewWriter(&b)
	default:
		return slices.Clone(body)
	}
	w.Write(body)
	w.Close()
	return b.Bytes()
}
