package httpuser

import (
	"fmt"
	"strconv"
	"strings"
)

// build turns the call into the request to send. Every error wraps ErrRequest.
func (s *Session) build(x *exchange) error {
	c := &x.call
	switch {
	case c.err != nil:
		return c.err
	case !validMethod(c.method):
		return fmt.Errorf("%w: method %q", ErrRequest, c.method)
	case c.contentType != "" && !validHeader("Content-Type", c.contentType):
		return fmt.Errorf("%w: content type %q", ErrRequest, c.contentType)
	}
	for _, kv := range c.cookies {
		if !validCookie(kv.key, kv.value) {
			return fmt.Errorf("%w: cookie %q: %q", ErrRequest, kv.key, kv.value)
		}
	}
	p, uri, err := s.target(x.uri[:0], c.path, c.query)
	if err != nil {
		return err
	}
	x.peer, x.uri, x.method, x.body = p, uri, c.method, c.body
	auth := s.authorization(p)
	if s.isUsual(c, auth) {
		x.usual = s.cfg.usual
		s.findCookies(x)
		return nil
	}
	x.setUsual(s.cfg.UserAgent)
	x.set("Authorization", auth)
	x.set("Content-Type", c.contentType)
	for _, kv := range s.headers {
		x.set(kv.key, kv.value)
	}
	if c.rest {
		x.set("Accept", jsonType)
		x.set("Content-Type", jsonType)
		x.set("Content-Type", c.contentType)
	}
	for _, kv := range c.headers {
		if !validHeader(kv.key, kv.value) {
			return fmt.Errorf("%w: header %q: %q", ErrRequest, kv.key, kv.value)
		}
		x.replace(kv.key, kv.value)
	}
	s.findCookies(x)
	return nil
}

// setUsual sets the fields that every request has.
func (x *exchange) setUsual(userAgent string) {
	x.set("User-Agent", userAgent)
	x.set("Accept-Encoding", acceptEncoding)
	x.set("Accept", "*/*")
	x.set("Connection", "keep-alive")
}

// isUsual reports whether a request has no other fields than all requests of its
// settings, which are written once.
func (s *Session) isUsual(c *call, auth string) bool {
	own := len(s.headers) != len(s.cfg.fields) || len(s.headers) > 0 && &s.headers[0] != &s.cfg.fields[0]
	return s.cfg.usual != nil && s.h2 == nil && auth == "" && !own && !c.rest && len(c.headers) == 0 && c.contentType == ""
}

// usualFields writes the fields of all requests; nil where one of them is more than
// a line to the client.
func usualFields(set *settings) []byte {
	var x exchange
	x.setUsual(set.UserAgent)
	for _, kv := range set.fields {
		switch strings.ToLower(kv.key) {
		case "host", "cookie", "authorization", "content-type", "content-length", "transfer-encoding":
			return nil
		}
		x.replace(kv.key, kv.value)
	}
	var b []byte
	for _, f := range x.fields {
		b = appendField(b, f.key, f.value)
	}
	return b
}

// authorization is that of the URL, else that of the user's host when the request
// goes there, or "".
func (s *Session) authorization(p *peer) string {
	if p.auth == "" && p.origin == s.base.peer.origin {
		return s.base.peer.auth
	}
	return p.auth
}

// set sets a field of the request unless the value is empty.
func (x *exchange) set(key, value string) {
	if value != "" {
		x.replace(key, value)
	}
}

// replace sets a field of the request in place of one of the same name.
func (x *exchange) replace(key, value string) {
	for i := range x.fields {
		if k := x.fields[i].key; len(k) == len(key) && (k == key || strings.EqualFold(k, key)) {
			x.fields[i].value = value
			return
		}
	}
	x.fields = append(x.fields, header{key, value})
}

// remove drops a field of the request.
func (x *exchange) remove(key string) {
	kept := x.fields[:0]
	for _, f := range x.fields {
		if !strings.EqualFold(f.key, key) {
			kept = append(kept, f)
		}
	}
	clear(x.fields[len(kept):])
	x.fields = kept
}

// writeHead writes the request's head. Host comes first (RFC 9112, section 3.2);
// Content-Length and Transfer-Encoding are never the caller's.
func (x *exchange) writeHead() {
	b := x.head[:0]
	b = append(b, x.method...)
	b = append(b, ' ')
	b = append(b, x.uri...)
	b = append(b, " HTTP/1.1\r\n"...)
	host := x.peer.host
	for _, f := range x.fields {
		if len(f.key) == len("Host") && strings.EqualFold(f.key, "Host") {
			host = f.value
		}
	}
	b = appendField(b, "Host", host)
	b = append(b, x.usual...)
	hasCookie := false
	for _, f := range x.fields {
		switch len(f.key) {
		case len("Host"):
			if strings.EqualFold(f.key, "Host") {
				continue
			}
		case len("Cookie"):
			hasCookie = hasCookie || strings.EqualFold(f.key, "Cookie")
		case len("Content-Length"):
			if strings.EqualFold(f.key, "Content-Length") {
				continue
			}
		case len("Transfer-Encoding"):
			if strings.EqualFold(f.key, "Transfer-Encoding") {
				continue
			}
		}
		b = appendField(b, f.key, f.value)
	}
	if len(x.body) > 0 || x.method != "GET" && x.method != "HEAD" {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(x.body)), 10)
		b = append(b, "\r\n"...)
	}
	if !hasCookie && len(x.pairs) > 0 {
		b = append(b, "Cookie: "...)
		b = appendPairs(b, x.pairs)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	x.head = b
}

func appendField(b []byte, key, value string) []byte {
	b = append(b, key...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}
