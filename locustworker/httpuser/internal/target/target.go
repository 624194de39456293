// Package target writes request targets as requests and urllib3 send them, and
// resolves what a redirect points to (RFC 3986).
package target

import (
	"strings"
)

const (
	unreserved = "-._~"
	pathChars  = unreserved + "!$&'()*+,;=:@/" // letters and digits aside
	queryChars = pathChars + "?"
)

// Append appends the request target of a path with its query, up to a fragment: dot
// segments are removed, what must not stand in a URL is escaped, and escapes of
// letters, digits and -._~ are undone. A "%" that begins no escape makes all others
// of its component be escaped, as in urllib3. An empty query leaves no "?"; an
// empty path becomes "/". The target can be appended again without a change.
func Append(dst []byte, path string) []byte {
	if isPlain(path) {
		return append(dst, path...)
	}
	path, _, _ = strings.Cut(path, "#")
	path, query, _ := strings.Cut(path, "?")
	if path == "" || path[0] != '/' {
		path = "/" + path
	}
	dst = escape(dst, RemoveDots(path), pathChars)
	if query != "" {
		dst = escape(append(dst, '?'), query, queryChars)
	}
	return dst
}

// isPlain reports whether a path is its own target.
func isPlain(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	query := -1
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case isAlphanumeric(c):
		case c == '?':
			if query < 0 {
				query = i
			}
		case c == '.':
			if query < 0 && path[i-1] == '/' {
				return false
			}
		case strings.IndexByte(pathChars, c) < 0:
			return false
		}
	}
	return query != len(path)-1
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// escape appends one component of a URL.
func escape(dst []byte, s, allowed string) []byte {
	const hex = "0123456789ABCDEF"
	stray := hasStray(s)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && !stray:
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			if i += 2; isAlphanumeric(c) || strings.IndexByte(unreserved, c) >= 0 {
				dst = append(dst, c)
			} else {
				dst = append(dst, '%', hex[c>>4], hex[c&15])
			}
		case c == '%' && isEscape(s[i:]):
			dst = append(dst, '%', '2', '5', hex[unhex(s[i+1])], hex[unhex(s[i+2])])
			i += 2
		case isAlphanumeric(c) || strings.IndexByte(allowed, c) >= 0:
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// hasStray reports whether a "%" begins no escape.
func hasStray(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && !isEscape(s[i:]) {
			return true
		}
	}
	return false
}

func isEscape(s string) bool { return len(s) >= 3 && isHex(s[1]) && isHex(s[2]) }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// RemoveDots removes the segments "." and ".." of a path that begins with a slash
// (RFC 3986, section 5.2.4; of slashes in a row behind a ".." that leads above the
// root one is lost, as in urllib3).
func RemoveDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch {
		case segment == ".":
		case segment != "..":
			kept = append(kept, segment)
		case len(kept) > 0:
			kept = kept[:len(kept)-1]
		}
	}
	if len(kept) == 0 || kept[0] != "" {
		kept = append([]string{""}, kept...)
	}
	if strings.HasSuffix(path, "/.") || strings.HasSuffix(path, "/..") {
		kept = append(kept, "")
	}
	if without := strings.Join(kept, "/"); without != "" {
		return without
	}
	return "/"
}

// Split cuts an absolute URL into its scheme in lower case, its authority and the
// rest. ok is false when it does not begin with http:// or https://.
func Split(raw string) (scheme, authority, rest string, ok bool) {
	for _, scheme = range [...]string{"http", "https"} {
		n := len(scheme)
		if len(raw) < n+3 || raw[n:n+3] != "://" || !strings.EqualFold(raw[:n], scheme) {
			continue
		}
		raw = raw[n+3:]
		end := strings.IndexAny(raw, "/?#\\")
		if end < 0 {
			end = len(raw)
		}
		return scheme, raw[:end], raw[end:], true
	}
	return "", "", raw, false
}

// Resolve resolves what a Location field says against the URL of the request that
// it answers (RFC 3986, section 5.2), given as its scheme, its authority and its
// target. rest may be given to Append. ok is false when it leads to no http or https
// URL.
func Resolve(scheme, authority, from, location string) (toScheme, toAuthority, rest string, ok bool) {
	if toScheme, toAuthority, rest, ok = Split(location); ok {
		return toScheme, toAuthority, rest, toAuthority != ""
	}
	if named := schemeOf(location); named != "" {
		if !strings.EqualFold(named, scheme) {
			return "", "", "", false
		}
		location = location[len(named)+1:] // "http:/x", which some servers send
	}
	if after, found := strings.CutPrefix(location, "//"); found {
		_, toAuthority, rest, _ = Split(scheme + "://" + after)
		return scheme, toAuthority, rest, toAuthority != ""
	}
	path, _, _ := strings.Cut(from, "?")
	switch {
	case location == "" || location[0] == '#':
		return scheme, authority, from, true
	case location[0] == '/':
		return scheme, authority, location, true
	case location[0] == '?':
		return scheme, authority, path + location, true
	}
	return scheme, authority, path[:strings.LastIndexByte(path, '/')+1] + location, true
}

// schemeOf returns the scheme that a URL reference begins with, or "".
func schemeOf(s string) string {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ':':
			return s[:i]
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case i > 0 && (isAlphanumeric(c) || c == '+' || c == '-' || c == '.'):
		default:
			return ""
		}
	}
	return ""
}
