package cookies

import (
	"strings"
	"time"
)

// parse reads a Set-Cookie line (section 5.2). One without "=" is a cookie that is
// sent back as it is, as browsers and Python have it.
func parse(site Site, line string, now time.Time) (c cookie, ok bool) {
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, found := strings.Cut(pair, "=")
	name = trim(name)
	if name == "" {
		return c, false
	}
	c = cookie{name: strings.Clone(name), value: strings.Clone(trim(value)), bare: !found}
	var domain, path, maxAge, expires string
	for attributes != "" {
		var attribute string
		attribute, attributes, _ = strings.Cut(attributes, ";")
		key, value, _ := strings.Cut(attribute, "=")
		switch key, value = trim(key), trim(value); {
		case strings.EqualFold(key, "domain"):
			domain = value
		case strings.EqualFold(key, "path"):
			path = value
		case strings.EqualFold(key, "max-age"):
			if isMaxAge(value) {
				maxAge = value
			}
		case strings.EqualFold(key, "expires"):
			if _, ok := parseDate(value); ok {
				expires = value
			}
		case strings.EqualFold(key, "secure"):
			c.secure = true
		}
	}
	if path == "" || path[0] != '/' {
		path = defaultPath(site.Path)
	}
	c.path = strings.Clone(path)
	switch {
	case maxAge != "":
		c.expires = now.Add(seconds(maxAge))
	case expires != "":
		c.expires, _ = parseDate(expires)
	}
	ok = c.setDomain(site, strings.ToLower(domain))
	if !c.hostOnly {
		c.domain = strings.Clone(c.domain)
	}
	return c, ok
}

func trim(s string) string { return strings.Trim(s, " \t") }

// isMaxAge is section 5.2.2: digits, perhaps after a minus.
func isMaxAge(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// seconds is a Max-Age as a time, at most 400 days (as browsers have it), and
// negative for none.
func seconds(maxAge string) time.Duration {
	const most = 400 * 24 * 60 * 60
	if maxAge[0] == '-' {
		return -time.Second
	}
	n := 0
	for i := 0; i < len(maxAge); i++ {
		if n = n*10 + int(maxAge[i]-'0'); n > most {
			n = most
		}
	}
	return time.Duration(n) * time.Second
}

// parseDate is section 5.1.1: a time, a day, a month and a year in any order,
// between delimiters of any kind.
func parseDate(s string) (t time.Time, ok bool) {
	var hour, minute, second, day, month, year int
	var hasTime, hasDay, hasMonth, hasYear bool
	for s != "" {
		var token string
		if token, s = dateToken(s); token == "" {
			continue
		}
		if !hasTime {
			if hour, minute, second, hasTime = clock(token); hasTime {
				continue
			}
		}
		if !hasDay {
			if day, hasDay = leading(token, 1, 2); hasDay {
				continue
			}
		}
		if !hasMonth {
			if month, hasMonth = monthOf(token); hasMonth {
				continue
			}
		}
		if !hasYear {
			year, hasYear = leading(token, 2, 4)
		}
	}
	switch {
	case year >= 70 && year <= 99:
		year += 1900
	case year >= 0 && year <= 69:
		year += 2000
	}
	if !hasTime || !hasDay || !hasMonth || !hasYear || day < 1 || day > 31 || year < 1601 || hour > 23 || minute > 59 || second > 59 {
		return t, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return t, t.Day() == day
}

// dateToken cuts the first token off.
func dateToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && !isDelimiter(s[i]) {
		i++
	}
	if i == len(s) {
		return s, ""
	}
	return s[:i], s[i+1:]
}

func isDelimiter(c byte) bool {
	return c == '\t' || ' ' <= c && c <= '/' || ';' <= c && c <= '@' || '[' <= c && c <= '`' || '{' <= c && c <= '~'
}

// leading reads a number of so many digits that no further digit follows.
func leading(token string, least, most int) (n int, ok bool) {
	i := 0
	for i < len(token) && '0' <= token[i] && token[i] <= '9' {
		if i == most {
			return 0, false
		}
		n = n*10 + int(token[i]-'0')
		i++
	}
	return n, i >= least
}

// clock reads hh:mm:ss.
func clock(token string) (hour, minute, second int, ok bool) {
	h, rest, _ := strings.Cut(token, ":")
	m, s, found := strings.Cut(rest, ":")
	if !found {
		return 0, 0, 0, false
	}
	hour, ok1 := leading(h, 1, 2)
	minute, ok2 := leading(m, 1, 2)
	second, ok3 := leading(s, 1, 2)
	return hour, minute, second, ok1 && ok2 && ok3 && len(h) <= 2 && len(m) <= 2
}

func monthOf(token string) (int, bool) {
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	if len(token) < 3 {
		return 0, false
	}
	i := strings.Index(names, strings.ToLower(token[:3]))
	return i/3 + 1, i >= 0 && i%3 == 0
}
