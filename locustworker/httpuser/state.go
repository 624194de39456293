package httpuser

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser/internal/cookies"
)

// SetHeader sets a header of all requests from here on, as Config.Headers does,
// such as the token that a login gave (Locust's client.headers). An empty value
// takes it out. It must be called by the session's own goroutine. The error wraps
// ErrRequest.
func (s *Session) SetHeader(key, value string) error {
	if !validHeader(key, value) {
		return fmt.Errorf("%w: header %q: %q", ErrRequest, key, value)
	}
	kept := make([]header, 0, len(s.headers)+1)
	for _, h := range s.headers {
		if !strings.EqualFold(h.key, key) {
			kept = append(kept, h)
		}
	}
	if value != "" {
		kept = append(kept, header{key, value})
	}
	s.headers = kept
	return nil
}

// Cookies returns the cookies that the session sends with a request for path,
// which is what it is for Get (Locust's client.cookies). Only their Name and Value
// are set; a cookie that a server set without "=" has no value. It must be called
// by the session's own goroutine. The error wraps ErrRequest.
func (s *Session) Cookies(path string) ([]*http.Cookie, error) {
	site, err := s.locate(path)
	if err != nil {
		return nil, err
	}
	jar := s.cookieJar(false)
	if jar == nil {
		return nil, nil
	}
	var found []*http.Cookie
	for _, c := range jar.For(nil, site, time.Now()) {
		if c.Name == "" {
			c = cookies.Pair{Name: c.Value}
		}
		found = append(found, &http.Cookie{Name: c.Name, Value: c.Value}) //nolint:gosec // not one that a server sets
	}
	return found, nil
}

// SetCookies keeps cookies as if the server of path had set them: without a
// Domain they are its own, without a Path they are for the directory of path. One
// whose MaxAge is negative is dropped. Names and values are sent as they are. It
// must be called by the session's own goroutine. The error wraps ErrRequest.
func (s *Session) SetCookies(path string, set ...*http.Cookie) error {
	site, err := s.locate(path)
	if err != nil {
		return err
	}
	for _, c := range set {
		if !validCookie(c.Name, c.Value) {
			return fmt.Errorf("%w: cookie %q: %q", ErrRequest, c.Name, c.Value)
		}
	}
	now := time.Now()
	for _, c := range set {
		expires, value := c.Expires, c.Value
		if c.MaxAge != 0 {
			expires = now.Add(time.Duration(c.MaxAge) * time.Second)
		}
		if c.Quoted {
			value = `"` + value + `"`
		}
		s.cookieJar(true).Put(site, cookies.Pair{Name: c.Name, Value: value}, c.Domain, c.Path, c.Secure, expires, now)
	}
	return nil
}

// ClearCookies drops all cookies, as if the user were a new one. It must be
// called by the session's own goroutine. See NewVisitor, too.
func (s *Session) ClearCookies() {
	if jar := s.cookieJar(false); jar != nil {
		jar.Clear()
	}
}

// cookieJar returns the visitor's jar, nil when there is none and none is to be
// made.
func (s *Session) cookieJar(create bool) *cookies.Jar {
	if s.parent != nil {
		return s.parent.cookieJar(create)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jar == nil && create {
		s.jar = new(cookies.Jar)
	}
	return s.jar
}

// locate resolves a path as a request does.
func (s *Session) locate(path string) (cookies.Site, error) {
	p, uri, err := s.target(nil, path, nil)
	if err != nil {
		return cookies.Site{}, err
	}
	return p.site(uri), nil
}

// site is a server and a target as cookies see them.
func (p *peer) site(uri []byte) cookies.Site {
	return cookies.Site{Host: p.hostname, Path: string(uri), Secure: p.tls}
}

// Cookie adds a cookie to this request alone, in place of the session's of the
// same name (Locust's cookies=). It is sent to where redirects lead, too. Name and
// value are sent as they are. A header Cookie of the request's own goes over both.
func Cookie(name, value string) Option {
	return func(c *call) { c.cookies = append(c.cookies, header{name, value}) }
}

// validCookie tells a cookie that the other side reads as what it is.
func validCookie(name, value string) bool {
	control := func(r rune) bool { return r < ' ' || r == 0x7f || r == ';' }
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return control(r) || r == ' ' || r == '=' }) &&
		!strings.ContainsFunc(value, control)
}

// findCookies collects the cookies to send: those that earlier answers set, and
// the request's own.
func (s *Session) findCookies(x *exchange) {
	x.pairs = x.pairs[:0]
	if jar := s.cookieJar(false); jar != nil && !jar.Empty() {
		x.pairs = jar.For(x.pairs, x.peer.site(x.uri), time.Now())
	}
	for _, own := range x.call.cookies {
		replaced, kept := false, x.pairs[:0]
		for _, p := range x.pairs {
			if p.Name == own.key {
				if replaced {
					continue
				}
				p.Value, replaced = own.value, true
			}
			kept = append(kept, p)
		}
		if x.pairs = kept; !replaced {
			x.pairs = append(x.pairs, cookies.Pair{Name: own.key, Value: own.value})
		}
	}
}

// appendPairs writes the value of a Cookie field (RFC 6265, section 4.2.1).
func appendPairs(b []byte, pairs []cookies.Pair) []byte {
	for i, p := range pairs {
		if i > 0 {
			b = append(b, "; "...)
		}
		if p.Name != "" {
			b = append(append(b, p.Name...), '=')
		}
		b = append(b, p.Value...)
	}
	return b
}

// storeCookies keeps the cookies that the answer sets.
func (s *Session) storeCookies(x *exchange) {
	jar, site, now := s.cookieJar(true), x.peer.site(x.uri), time.Now()
	x.answer.Each("set-cookie", func(line []byte) { jar.Set(site, string(line), now) })
}
