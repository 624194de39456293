package httpuser

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// A peer is one server that a session talks to: a scheme and an authority.
type peer struct {
	key      string // scheme://authority, as the URL spells it
	tls      bool
	hostname string // lower case, no brackets
	port     string
	address  string // to dial
	host     string // the Host header
	origin   string // where it is, without who asks: scheme://address
	auth     string // the Authorization header that the URL's user and password make, or ""
	idle     *conn  // the kept-alive connection; guarded by gate.mu
}

// parsePeer checks a scheme ("http" or "https") and an authority
// ("user:password@host:port").
func parsePeer(scheme, authority string) (*peer, error) {
	u, err := url.Parse(scheme + "://" + authority)
	switch {
	case err != nil:
		return nil, err
	case u.Hostname() == "":
		return nil, fmt.Errorf("%s://%s names no host", scheme, authority)
	}
	p := &peer{
		key: scheme + "://" + authority, tls: scheme == "https",
		hostname: strings.ToLower(u.Hostname()), port: u.Port(), host: strings.ToLower(u.Host),
	}
	defaultPort := "80"
	if p.tls {
		defaultPort = "443"
	}
	if p.port == "" || p.port == defaultPort {
		p.port = defaultPort
		p.host = p.hostname
		if strings.Contains(p.host, ":") {
			p.host = "[" + p.host + "]"
		}
	}
	p.address = net.JoinHostPort(p.hostname, p.port)
	p.origin = scheme + "://" + p.address
	if password, ok := u.User.Password(); ok && u.User.Username() != "" {
		p.auth = basicAuth(u.User.Username(), password)
	}
	return p, nil
}

// basicAuth encodes as requests does: latin-1, else UTF-8.
func basicAuth(user, password string) string {
	credentials := []byte(user + ":" + password)
	encoded := make([]byte, 0, len(credentials))
	for _, r := range string(credentials) {
		if r > 0xff {
			encoded = credentials
			break
		}
		encoded = append(encoded, byte(r)) // at most 0xff
	}
	return "Basic " + base64.StdEncoding.EncodeToString(encoded)
}

// A base is a user's host: what relative paths are appended to.
type base struct {
	raw  string
	peer *peer
	path string
	// plain says that a path beginning with / can be appended to path without
	// looking at the rest of raw.
	plain bool
}

func parseBase(host string) (base, error) {
	scheme, authority, rest, ok := splitURL(host)
	if !ok {
		return base{}, fmt.Errorf("host %q does not begin with http:// or https://", host)
	}
	p, err := parsePeer(scheme, authority)
	if err != nil {
		return base{}, err
	}
	path := string(appendTarget(nil, rest))
	return base{raw: host, peer: p, path: path, plain: !strings.ContainsAny(rest, "?#")}, nil
}

// splitURL cuts an absolute URL into its scheme in lower case, its authority and
// the rest. ok is false when it does not begin with http:// or https://.
func splitURL(raw string) (scheme, authority, rest string, ok bool) {
	for _, scheme = range [...]string{"http", "https"} {
		n := len(scheme)
		if len(raw) < n+3 || raw[n:n+3] != "://" || !strings.EqualFold(raw[:n], scheme) {
			continue
		}
		raw = raw[n+3:]
		end := strings.IndexAny(raw, "/?#")
		if end < 0 {
			end = len(raw)
		}
		return scheme, raw[:end], raw[end:], true
	}
	return "", "", raw, false
}

// target resolves a path as Locust does, by appending it to the host, and gives
// the request target, which is valid until the next call. An absolute URL stands
// for itself.
func (s *Session) target(path string, query []byte) (*peer, []byte, error) {
	uri := s.uri[:0]
	p := s.base.peer
	switch {
	case isAbsolute(path):
		peer, rest, err := s.peerOf(path)
		if err != nil {
			return nil, nil, err
		}
		p, path = peer, rest
	case s.base.plain && (s.base.path != "" || path == "" || strings.IndexByte("/?#", path[0]) >= 0):
		uri = append(uri, s.base.path...)
	default:
		peer, rest, err := s.peerOf(s.base.raw + path)
		if err != nil {
			return nil, nil, err
		}
		p, path = peer, rest
	}
	uri = appendTarget(uri, path)
	if len(uri) == 0 || uri[0] == '?' {
		uri = append(uri, 0)
		copy(uri[1:], uri)
		uri[0] = '/'
	}
	if len(query) > 0 {
		mark := byte('?')
		if bytes.IndexByte(uri, '?') >= 0 {
			mark = '&'
		}
		uri = append(append(uri, mark), query...)
	}
	s.uri = uri
	return p, uri, nil
}

func isAbsolute(path string) bool {
	_, _, _, ok := splitURL(path)
	return ok
}

// maxPeers bounds how many servers a session keeps a connection to, beside its
// host.
const maxPeers = 10

// peerOf finds the peer of an absolute URL among those known, or adds it.
func (s *Session) peerOf(raw string) (*peer, string, error) {
	scheme, authority, rest, ok := splitURL(raw)
	if !ok {
		return nil, "", fmt.Errorf("%w: %q is no http or https URL", ErrRequest, raw)
	}
	known := func(p *peer) bool {
		return len(p.key) == len(scheme)+3+len(authority) && p.key[:len(scheme)] == scheme &&
			p.key[len(scheme):len(scheme)+3] == "://" && p.key[len(scheme)+3:] == authority
	}
	for _, p := range s.gate.peers {
		if known(p) {
			return p, rest, nil
		}
	}
	p, err := parsePeer(scheme, authority)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrRequest, err)
	}
	for _, old := range s.gate.peers {
		if old.origin == p.origin && (old.auth == p.auth || old == s.base.peer && p.auth == "") {
			return old, rest, nil // spelled in another way
		}
	}
	s.gate.add(p)
	return p, rest, nil
}

// appendTarget appends a path with its query, up to a fragment, and escapes what
// must not stand in a request line, as requests' requote_uri does.
func appendTarget(dst []byte, path string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '#':
			return dst
		case c == '%' && !escaped(path[i:]), c <= ' ', c >= 0x7f, strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func escaped(s string) bool {
	return len(s) >= 3 && isHex(s[1]) && isHex(s[2])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// validMethod tells an HTTP token.
func validMethod(method string) bool {
	return method != "" && isToken(method)
}

// validHeader tells what can be sent as a header line.
func validHeader(key, value string) bool {
	return key != "" && isToken(key) && !strings.ContainsAny(value, "\r\n\x00")
}

func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return true
}
