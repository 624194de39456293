package httpuser

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
)

// SetHeader sets a header of all requests from here on, as Config.Headers does,
// such as the token that a login gave (Locust's client.headers). An empty value
// takes it out. It must be called by the session's own goroutine. The error wraps
// ErrRequest.
func (s *Session) SetHeader(key, value string) error {
	if !validHeader(key, value) {
		return fmt.Errorf("%w: header %q: %q", ErrRequest, key, value)
	}
	kept := s.headers[:0]
	for _, h := range s.headers {
		if http.CanonicalHeaderKey(h.key) != http.CanonicalHeaderKey(key) {
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
// which is what it is for Get (Locust's client.cookies). It must be called by the
// session's own goroutine. The error wraps ErrRequest.
func (s *Session) Cookies(path string) ([]*http.Cookie, error) {
	u, err := s.locate(path)
	if err != nil || s.jar == nil {
		return nil, err
	}
	return s.jar.Cookies(u), nil
}

// SetCookies keeps cookies as if the server of path had set them: without a
// Domain they are its own, without a Path they are for the directory of path. One
// whose MaxAge is negative is forgotten. It must be called by the session's own
// goroutine. The error wraps ErrRequest.
func (s *Session) SetCookies(path string, cookies ...*http.Cookie) error {
	u, err := s.locate(path)
	if err != nil {
		return err
	}
	for _, c := range cookies {
		if err := c.Valid(); err != nil {
			return fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	s.keepCookies(u, cookies)
	return nil
}

// ClearCookies forgets all cookies, as if the user were a new one. It must be
// called by the session's own goroutine.
func (s *Session) ClearCookies() { s.jar = nil }

// keepCookies puts cookies that the server at u set into the jar.
func (s *Session) keepCookies(u *url.URL, cookies []*http.Cookie) {
	if s.jar == nil {
		s.jar, _ = cookiejar.New(nil) // never fails without options
	}
	s.jar.SetCookies(u, cookies)
}

// locate resolves a path as a request does.
func (s *Session) locate(path string) (*url.URL, error) {
	p, uri, err := s.target(path, nil)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(p.origin + string(uri))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return u, nil
}

// Cookie adds a cookie to this request alone, in place of the session's of the
// same name (Locust's cookies=). It is sent to where redirects lead, too.
func Cookie(name, value string) Option {
	return func(c *call) { c.cookies = append(c.cookies, header{name, value}) }
}
