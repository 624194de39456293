package httpuser

import (
	"fmt"
	"net/http"
	"net/url"
)

// build turns the call into the request to send. Every error wraps ErrRequest.
func (s *Session) build(x *exchange) error {
	c := &s.call
	switch {
	case c.err != nil:
		return c.err
	case !validMethod(c.method):
		return fmt.Errorf("%w: method %q", ErrRequest, c.method)
	case !validHeader("Content-Type", c.contentType):
		return fmt.Errorf("%w: content type %q", ErrRequest, c.contentType)
	}
	p, uri, err := s.target(c.path, c.query)
	if err != nil {
		return err
	}
	x.peer = p
	h := &x.req.Header
	h.SetMethod(c.method)
	x.req.SetRequestURIBytes(uri)
	h.SetHost(p.host)
	h.SetUserAgent(s.cfg.UserAgent)
	h.SetNoDefaultContentType(true)
	if c.stream {
		h.Set("Accept-Encoding", streamEncoding)
	} else {
		h.Set("Accept-Encoding", acceptEncoding)
	}
	h.Set("Accept", "*/*")
	s.authorize(x)
	if c.contentType != "" {
		h.SetContentType(c.contentType)
	}
	for _, kv := range s.headers {
		h.Set(kv.key, kv.value)
	}
	if c.rest {
		h.Set("Accept", jsonType)
		h.SetContentType(jsonType)
		if c.contentType != "" {
			h.SetContentType(c.contentType)
		}
	}
	for _, kv := range c.headers {
		if !validHeader(kv.key, kv.value) {
			return fmt.Errorf("%w: header %q: %q", ErrRequest, kv.key, kv.value)
		}
		h.Set(kv.key, kv.value)
	}
	for _, kv := range c.cookies {
		if (&http.Cookie{Name: kv.key, Value: kv.value}).Valid() != nil { //nolint:gosec // not one that a server sets
			return fmt.Errorf("%w: cookie %q: %q", ErrRequest, kv.key, kv.value)
		}
	}
	s.sendCookies(x)
	if len(c.body) > 0 {
		x.req.SetBodyRaw(c.body)
	}
	return nil
}

// authorize adds basic authentication: that of the URL, else that of the user's
// host when the request goes there.
func (s *Session) authorize(x *exchange) {
	auth := x.peer.auth
	if auth == "" && x.peer.origin == s.base.peer.origin {
		auth = s.base.peer.auth
	}
	if auth != "" {
		x.req.Header.Set("Authorization", auth)
	}
}

// isRedirect tells an answer to be followed (requests' is_redirect).
func isRedirect(r *answer) bool {
	switch r.StatusCode() {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return len(r.Header.Peek("Location")) > 0
	}
	return false
}

// follow makes the request the one that the answer redirects to, with the rules
// of requests' rebuild_method and rebuild_auth.
func (s *Session) follow(x *exchange) error {
	from, err := url.Parse(x.peer.origin + string(x.req.Header.RequestURI()))
	if err != nil {
		return errRedirect
	}
	to, err := from.Parse(string(s.resp.raw.Header.Peek("Location")))
	if err != nil || !isAbsolute(to.String()) {
		return errRedirect
	}
	p, uri, err := s.target(to.String(), nil)
	if err != nil {
		return errRedirect
	}
	h := &x.req.Header
	status, method := s.resp.raw.StatusCode(), string(h.Method())
	if status == http.StatusSeeOther && method != "HEAD" ||
		status == http.StatusFound && method != "HEAD" ||
		status == http.StatusMovedPermanently && method == "POST" {
		h.SetMethod("GET")
	}
	if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect {
		x.req.ResetBody()
		h.Del("Content-Type")
		h.Del("Content-Length")
	}
	x.req.SetRequestURIBytes(uri)
	if p.origin != x.peer.origin {
		h.Del("Authorization")
		h.SetHost(p.host)
		x.peer = p
		s.authorize(x)
	}
	h.DelAllCookies()
	s.sendCookies(x)
	return nil
}

// location is where the request goes, for the cookie jar; nil when net/url
// cannot say.
func (x *exchange) location() *url.URL {
	u, err := url.Parse(x.peer.origin + string(x.req.Header.RequestURI()))
	if err != nil {
		return nil
	}
	return u
}

// sendCookies adds the cookies that earlier answers set, and the request's own.
func (s *Session) sendCookies(x *exchange) {
	if s.jar != nil {
		if u := x.location(); u != nil {
			for _, c := range s.jar.Cookies(u) {
				x.req.Header.SetCookie(c.Name, c.Value)
			}
		}
	}
	for _, c := range s.call.cookies {
		x.req.Header.SetCookie(c.key, c.value)
	}
}

// storeCookies keeps the cookies that the answer sets.
func (s *Session) storeCookies(x *exchange) {
	var cookies []*http.Cookie
	for _, line := range s.resp.raw.Header.Cookies() {
		if c, err := http.ParseSetCookie(string(line)); err == nil {
			cookies = append(cookies, c)
		}
	}
	if len(cookies) == 0 {
		return
	}
	if u := x.location(); u != nil {
		s.keepCookies(u, cookies)
	}
}
