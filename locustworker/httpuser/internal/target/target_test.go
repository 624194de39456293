package target

import (
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	for location, want := range map[string]string{
		"/to":               "http h:80 /to",
		"to":                "http h:80 /a/to",
		"./to":              "http h:80 /a/to",
		"../to?q":           "http h:80 /to?q",
		"?q=/x":             "http h:80 /a/b?q=/x",
		"#frag":             "http h:80 /a/b?c",
		"":                  "http h:80 /a/b?c",
		"//other:1/x y":     "http other:1 /x%20y",
		"HTTPS://Other?q#f": "https Other /?q",
		"http://o":          "http o /",
		"http:/x":           "http h:80 /x",
		"http:x":            "http h:80 /a/x",
		"to:80/x":           "none",
		"mailto:x@y":        "none",
		"https:/x":          "none",
		"http://":           "none",
		"//":                "none",
		"/to?u=http://x/":   "http h:80 /to?u=http://x/",
		"/a[1]é%zz":         "http h:80 /a%5B1%5D%C3%A9%25zz",
		`http://h\x`:        "http h /%5Cx",
	} {
		scheme, authority, rest, ok := Resolve("http", "h:80", "/a/b?c", location)
		got := "none"
		if ok {
			got = scheme + " " + authority + " " + string(Append(nil, rest))
		}
		if got != want {
			t.Errorf("%q leads to %s, want %s", location, got, want)
		}
	}
}

// Whatever a server answers, what is sent next is one word of a request line.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"/to", "//x/y", "http://x/é", "?", "#", "..", "%", "%%41", "a:b", "http:", "\x00\r\n", "//x\\y", "/./.././x"} {
		f.Add("/a/b?c", seed)
	}
	f.Fuzz(func(t *testing.T, from, location string) {
		from = string(Append(nil, from))
		_, authority, rest, ok := Resolve("http", "h", from, location)
		if !ok {
			return
		}
		to := string(Append(nil, rest))
		if authority == "" || to[0] != '/' || strings.ContainsFunc(to, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }) {
			t.Errorf("%q from %q leads to %q %q", location, from, authority, to)
		}
	})
}
