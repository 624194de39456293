package cookies

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxCookies is how many cookies a jar keeps; the oldest ones are dropped. (RFC
// 6265, section 6.1, asks for 3,000 of all servers together.)
const maxCookies = 3000

// A Site is what a request goes to, as far as cookies are concerned.
type Site struct {
	Host   string // lower case, without port and brackets
	Path   string // begins with a slash; a query is ignored
	Secure bool   // https
}

// A Jar holds the cookies of one visitor. The zero value is empty. It is safe for
// concurrent use.
type Jar struct {
	mu      sync.Mutex
	cookies []cookie // in order of creation
	expires bool     // one of them may
}

// A cookie is the storage model of RFC 6265, section 5.3.
type cookie struct {
	name, value  string
	bare         bool // came without "="
	domain, path string
	hostOnly     bool
	secure       bool
	expires      time.Time // zero: with the session
}

// Set stores what a Set-Cookie line from the site sets, or deletes it.
func (j *Jar) Set(site Site, line string, now time.Time) {
	c, ok := parse(site, line, now)
	if !ok {
		return
	}
	j.put(c, now)
}

func (j *Jar) put(c cookie, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.cookies, func(old cookie) bool {
		return old.name == c.name && old.path == c.path && old.domain == c.domain && old.bare == c.bare
	})
	gone := !c.expires.IsZero() && !c.expires.After(now)
	switch {
	case gone && i >= 0:
		j.cookies = slices.Delete(j.cookies, i, i+1)
	case gone:
	case i >= 0:
		j.cookies[i] = c
	default:
		if len(j.cookies) >= maxCookies {
			j.cookies = slices.Delete(j.cookies, 0, 1)
		}
		j.cookies = append(j.cookies, c)
	}
	j.expires = j.expires || !gone && !c.expires.IsZero()
}

// A Pair is a cookie as a request sends it.
type Pair struct{ Name, Value string }

// For returns the cookies for a request to the site: longer paths first, then
// older ones (section 5.4). The result is appended to dst.
func (j *Jar) For(dst []Pair, site Site, now time.Time) []Pair {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.cookies) == 0 {
		return dst
	}
	if j.expires {
		j.cookies = slices.DeleteFunc(j.cookies, func(c cookie) bool { return !c.expires.IsZero() && !c.expires.After(now) })
	}
	path, _, _ := strings.Cut(site.Path, "?")
	from := len(dst)
	var longest [8]int
	lengths := longest[:0]
	for i := range j.cookies {
		c := &j.cookies[i]
		if !c.goesTo(site, path) {
			continue
		}
		// Insertion keeps the order of creation among equal lengths.
		at := len(lengths)
		for at > 0 && lengths[at-1] < len(c.path) {
			at--
		}
		lengths = slices.Insert(lengths, at, len(c.path))
		pair := Pair{c.name, c.value}
		if c.bare {
			pair = Pair{"", c.name}
		}
		dst = slices.Insert(dst, from+at, pair)
	}
	return dst
}

func (c *cookie) goesTo(site Site, path string) bool {
	switch {
	case c.secure && !site.Secure:
		return false
	case c.hostOnly && c.domain != site.Host, !c.hostOnly && !domainMatch(site.Host, c.domain):
		return false
	}
	return pathMatch(path, c.path)
}

// Put stores a cookie that the caller made. An empty domain means the site alone,
// an empty path the directory of the site's path, a zero time the session, a past
// one deletes.
func (j *Jar) Put(site Site, pair Pair, domain, path string, secure bool, expires, now time.Time) {
	c := cookie{name: pair.Name, value: pair.Value, path: path, secure: secure, expires: expires}
	if path == "" || path[0] != '/' {
		c.path = defaultPath(site.Path)
	}
	if c.setDomain(site, strings.ToLower(domain)) {
		j.put(c, now)
	}
}

// Empty reports whether the jar has no cookie.
func (j *Jar) Empty() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.cookies) == 0
}

// Clear drops all cookies.
func (j *Jar) Clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cookies, j.expires = nil, false
}

// setDomain takes the Domain attribute (section 5.3, steps 4 to 6). A domain
// without a dot is taken for a public suffix: only the host of that very name may
// set it.
func (c *cookie) setDomain(site Site, domain string) (ok bool) {
	domain = strings.TrimPrefix(domain, ".")
	if domain == "" || domain == site.Host {
		c.domain, c.hostOnly = site.Host, domain == "" || !strings.Contains(domain, ".") || isAddress(site.Host)
		return true
	}
	c.domain = domain
	return strings.Contains(domain, ".") && domainMatch(site.Host, domain)
}

// domainMatch is section 5.1.3.
func domainMatch(host, domain string) bool {
	if host == domain {
		return true
	}
	return len(host) > len(domain) && strings.HasSuffix(host, domain) && host[len(host)-len(domain)-1] == '.' && !isAddress(host)
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// pathMatch is section 5.1.4.
func pathMatch(path, of string) bool {
	return strings.HasPrefix(path, of) && (len(path) == len(of) || of[len(of)-1] == '/' || path[len(of)] == '/')
}

// defaultPath is section 5.1.4: the directory of a request's path.
func defaultPath(path string) string {
	path, _, _ = strings.Cut(path, "?")
	if i := strings.LastIndexByte(path, '/'); i > 0 && path[0] == '/' {
		return path[:i]
	}
	return "/"
}
