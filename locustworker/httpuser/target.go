package httpuser

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser/internal/target"
)

// A peer is one server that a session talks to: a scheme and an authority. It
// never changes, so that users can share it.
type peer struct {
	key      string // scheme://authority, as the URL spells it
	tls      bool
	hostname string // lower case, no brackets
	port     string
	address  string // to dial
	host     string // the Host header
	origin   string // where it is, without who asks: scheme://address
	auth     string // the Authorization header that the URL's user and password make, or ""
}

func (p *peer) scheme() string {
	if p.tls {
		return "https"
	}
	return "http"
}

// parsePeer checks a scheme ("http" or "https") and an authority
// ("user:password@host:port"). An international host name becomes punycode.
func parsePeer(scheme, authority string) (*peer, error) {
	u, err := url.Parse(scheme + "://" + authority)
	switch {
	case err != nil:
		return nil, err
	case u.Hostname() == "":
		return nil, fmt.Errorf("%s://%s names no host", scheme, authority)
	}
	hostname, err := asciiHost(u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("%s://%s: %w", scheme, authority, err)
	}
	p := &peer{key: scheme + "://" + authority, tls: scheme == "https", hostname: hostname, port: u.Port()}
	p.host = p.hostname
	if strings.Contains(p.host, ":") {
		p.host = "[" + p.host + "]"
	}
	defaultPort := "80"
	if p.tls {
		defaultPort = "443"
	}
	if p.port == "" || p.port == defaultPort {
		p.port = defaultPort
	} else {
		p.host += ":" + p.port
	}
	p.address = net.JoinHostPort(p.hostname, p.port)
	p.origin = scheme + "://" + p.address
	if password, ok := u.User.Password(); ok && u.User.Username() != "" {
		p.auth = basicAuth(u.User.Username(), password)
	}
	return p, nil
}

// asciiHost returns a host name as DNS knows it (RFC 5891).
func asciiHost(name string) (string, error) {
	if strings.IndexFunc(name, func(r rune) bool { return r >= 0x80 }) < 0 {
		return strings.ToLower(name), nil
	}
	return idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false)).ToASCII(name)
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

// A base is a user's host: what relative paths are appended to. It never changes.
type base struct {
	raw  string
	peer *peer
	path string // before it is escaped
	// plain says that a path beginning with / can be appended to path without
	// looking at the rest of raw.
	plain bool
}

func parseBase(host string) (*base, error) {
	scheme, authority, rest, ok := target.Split(host)
	if !ok {
		return nil, fmt.Errorf("host %q does not begin with http:// or https://", host)
	}
	p, err := parsePeer(scheme, authority)
	if err != nil {
		return nil, err
	}
	return &base{raw: host, peer: p, path: rest, plain: !strings.ContainsAny(rest, "?#")}, nil
}

// baseFor is parseBase, once for all users of a pool.
func baseFor(p *Pool, host string) (*base, error) {
	if p == nil {
		return parseBase(host)
	}
	return p.base(host)
}

// target resolves a path as Locust does, by appending it to the host, and appends
// the request target to uri. An absolute URL stands for itself.
func (s *Session) target(uri []byte, path string, query []byte) (*peer, []byte, error) {
	p := s.base.peer
	scheme, authority, rest, absolute := target.Split(path)
	switch {
	case absolute:
	case s.base.plain && (s.base.path != "" || path == "" || strings.IndexByte("/?#", path[0]) >= 0):
		rest = path
		if s.base.path != "" {
			rest = s.base.path + path
		}
	default:
		scheme, authority, rest, absolute = target.Split(s.base.raw + path)
	}
	if absolute {
		var err error
		if p, err = s.peerOf(scheme, authority); err != nil {
			return nil, nil, err
		}
	}
	uri = target.Append(uri, rest)
	if len(query) > 0 {
		mark := byte('?')
		if bytes.IndexByte(uri, '?') >= 0 {
			mark = '&'
		}
		uri = append(append(uri, mark), query...)
	}
	return p, uri, nil
}

// maxPeers bounds how many servers a session keeps a connection to, beside its
// host.
const maxPeers = 10

// peerOf finds the peer of a URL among those known, or adds it, in place of the
// oldest of too many.
func (s *Session) peerOf(scheme, authority string) (*peer, error) {
	known := func(p *peer) bool {
		return len(p.key) == len(scheme)+3+len(authority) && p.key[:len(scheme)] == scheme &&
			p.key[len(scheme):len(scheme)+3] == "://" && p.key[len(scheme)+3:] == authority
	}
	if known(s.base.peer) {
		return s.base.peer, nil
	}
	for _, p := range s.others {
		if known(p) {
			return p, nil
		}
	}
	p, err := parsePeer(scheme, authority)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrRequest, locustworker.HidePasswords(err.Error()))
	}
	if host := s.base.peer; host.origin == p.origin && (host.auth == p.auth || p.auth == "") {
		return host, nil // spelled in another way
	}
	for _, old := range s.others {
		if old.origin == p.origin && old.auth == p.auth {
			return old, nil
		}
	}
	if len(s.others) >= maxPeers {
		s.others = slices.Delete(s.others, 0, 1)
	}
	s.others = append(s.others, p)
	return p, nil
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
