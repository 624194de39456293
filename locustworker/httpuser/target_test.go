package httpuser

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser/internal/target"
)

func newSession(t testing.TB, host string) *Session {
	t.Helper()
	s, err := New(locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Host: host}), Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Conformance: P3
func TestTargets(t *testing.T) {
	for _, c := range []struct{ host, path, query, address, hostHeader, uri string }{
		{"http://h", "/", "", "h:80", "h", "/"},
		{"http://h", "", "", "h:80", "h", "/"},
		{"http://h", "?a=1", "", "h:80", "h", "/?a=1"},
		{"http://h", "?a=1", "b=2", "h:80", "h", "/?a=1&b=2"},
		{"http://h:80", "/a", "b=2", "h:80", "h", "/a?b=2"},
		{"https://h", "/a#frag", "", "h:443", "h", "/a"},
		{"https://h:80", "#frag", "", "h:80", "h:80", "/"},
		{"http://H:5000/", "/a", "", "h:5000", "h:5000", "//a"}, // as HttpUser: no slash is taken away
		{"http://h/base", "/a", "", "h:80", "h", "/base/a"},
		{"http://h/base", "x", "", "h:80", "h", "/basex"},
		{"http://h/base?x=1", "&y=2", "", "h:80", "h", "/base?x=1&y=2"},
		{"http://h", ":8080/a", "", "h:8080", "h:8080", "/a"},
		{"http://h", ".example/a", "", "h.example:80", "h.example", "/a"},
		{"http://[::1]:5000", "/a", "", "[::1]:5000", "[::1]:5000", "/a"},
		{"http://[::1]", "/a", "", "[::1]:80", "[::1]", "/a"},
		{"http://u:p@h/b", "/a", "", "h:80", "h", "/b/a"},
		{"http://h", "http://other:1/x?y", "", "other:1", "other:1", "/x?y"},
		{"http://h", "HTTPS://other/x", "", "other:443", "other", "/x"},
		{"http://h", "http://other?q", "", "other:80", "other", "/?q"},
		{"http://h", "/a b/é%2F%zz\"<>\\^`{|}", "", "h:80", "h", "/a%20b/%C3%A9%252F%25zz%22%3C%3E%5C%5E%60%7B%7C%7D"},
		{"http://h", "/a\r\nX: y", "", "h:80", "h", "/a%0D%0AX:%20y"},
		{"http://h", "/[x]!$&'()*+,;=~@:", "", "h:80", "h", "/%5Bx%5D!$&'()*+,;=~@:"},
	} {
		s := newSession(t, c.host)
		p, uri, err := s.target(nil, c.path, []byte(c.query))
		if err != nil || p.address != c.address || p.host != c.hostHeader || string(uri) != c.uri {
			t.Errorf("%s + %s: %+v %s (%v), want %s, Host %s, %s", c.host, c.path, p, uri, err, c.address, c.hostHeader, c.uri)
		}
	}
}

func TestPeersAreFoundAgainAndBounded(t *testing.T) {
	s := newSession(t, "http://h")
	for _, same := range []string{"http://h/x", "http://H:80/x", "HTTP://h?y"} {
		if p, _, err := s.target(nil, same, nil); err != nil || p != s.base.peer {
			t.Errorf("%s is another peer than the user's host (%v)", same, err)
		}
	}
	for _, other := range []string{"https://h/", "http://h:81/", "http://u:p@h/"} {
		if p, _, err := s.target(nil, other, nil); err != nil || p == s.base.peer {
			t.Errorf("%s is the user's host (%v)", other, err)
		}
	}
	for range 2 {
		for i := range 3 * maxPeers {
			if _, _, err := s.target(nil, "http://other"+strings.Repeat("x", i)+"/", nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	a, _, _ := s.target(nil, "http://again/", nil)
	b, _, _ := s.target(nil, "http://again/y", nil)
	if a != b || len(s.others) != maxPeers {
		t.Errorf("%d peers are kept, want %d beside the host", len(s.others), maxPeers)
	}
}

// Conformance: P3
func TestBasicAuthIsRequests(t *testing.T) {
	for host, want := range map[string]string{
		"http://h":                   "",
		"http://user@h":              "",
		"http://user:pass@h":         "Basic dXNlcjpwYXNz",
		"http://us%40er:p%3Ass%2F@h": "Basic dXNAZXI6cDpzcy8=",
		"http://u:%C3%A9@h":          "Basic dTrp",     // latin-1, as requests
		"http://u:%E2%82%AC@h":       "Basic dTrigqw=", // not latin-1
	} {
		p, err := parsePeer(splitForTest(t, host))
		if err != nil || p.auth != want {
			t.Errorf("%s: %q (%v), want %q", host, p.auth, err, want)
		}
	}
}

func splitForTest(t *testing.T, host string) (scheme, authority string) {
	t.Helper()
	scheme, authority, _, ok := target.Split(host)
	if !ok {
		t.Fatalf("%s is no URL", host)
	}
	return scheme, authority
}

// Targets are those that requests and urllib3 send, for paths that are made of
// pieces of URLs, whole and broken.
func TestTargetsAreUrllib3s(t *testing.T) {
	pieces := []string{
		"/", "/", "a", "b1", ".", "..", "/./", "/../", "?", "#", "&", "=", "%", "%41", "%2f", "%2E", "%c3%A9", "%zz", "%2", " ", "é", "漢", "[", "]", "{", "}", "|", "\\", "^", "`",
		"\"", "<", ">", "+", ";", ":", "@", "!", "$", "'", "(", ")", "*", ",", "~", "-", "_", "\t", "\x7f", "//", "http://x/",
	}
	rng := rand.New(rand.NewPCG(5, 6))
	paths := []string{"/", "/a?", "/?", "/#", "/a%", "/%%41"}
	for range 4000 {
		var b strings.Builder
		b.WriteByte("/?"[rng.IntN(8)/7])
		for range rng.IntN(9) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		paths = append(paths, b.String())
	}
	var want []string
	python(t, "targets", paths, &want)
	s := newSession(t, "http://host")
	for i, path := range paths {
		if _, uri, err := s.target(nil, path, nil); err != nil || string(uri) != want[i] {
			t.Errorf("%q: %s (%v), urllib3 sends %s", path, uri, err, want[i])
		}
	}
}

// A target never breaks the request line, and escaping again changes nothing, but
// for dots that were escaped.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"", "/", "/a b", "x", "?", "#", "%", "%zz", "http://", "http://h", "https://[::1]:1/%41?b#c", "\r\n", "//", "http://u:p@h:0x/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		s := newSession(t, "http://host/base")
		p, uri, err := s.target(nil, path, nil)
		if err != nil {
			if !errors.Is(err, ErrRequest) {
				t.Errorf("%q: %v wraps no ErrRequest", path, err)
			}
			return
		}
		if len(uri) == 0 || uri[0] == '?' || strings.ContainsFunc(string(uri), func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }) {
			t.Errorf("%q becomes %q", path, uri)
		}
		if again := string(target.Append(nil, string(uri))); again != string(uri) && !strings.Contains(string(uri), "/.") {
			t.Errorf("%q becomes %q, and then %q", path, uri, again)
		}
		if _, err := url.Parse(p.origin); err != nil {
			t.Errorf("%q leads to %q: %v", path, p.origin, err)
		}
	})
}
