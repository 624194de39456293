package cookies

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// sent is the Cookie line for a site.
func sent(j *Jar, site Site, now time.Time) string {
	var pairs []string
	for _, p := range j.For(nil, site, now) {
		if p.Name == "" {
			pairs = append(pairs, p.Value)
		} else {
			pairs = append(pairs, p.Name+"="+p.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

func TestCookiesComeBackAsTheyWere(t *testing.T) {
	site := Site{Host: "www.example.com", Path: "/shop/cart"}
	for _, c := range []struct{ line, want string }{
		{`a="quoted"`, `a="quoted"`},
		{`a="two words"; Path=/`, `a="two words"`},
		{`json={"k":"v","n":[1,2]}`, `json={"k":"v","n":[1,2]}`},
		{`a=b,c`, `a=b,c`},
		{`a=back\slash`, `a=back\slash`},
		{`a=é`, `a=é`},
		{"a=\xe9\xff", "a=\xe9\xff"},
		{`a=x=y==`, `a=x=y==`},
		{`g[1]{2}=v`, `g[1]{2}=v`},
		{` a = b `, `a=b`},
		{`a=`, `a=`},
		{`bare`, `bare`},
		{`=nameless`, ``},
		{``, ``},
		{`;a=b`, ``},
		{`a=b;;; ;Foo=bar`, `a=b`},
		{`a=b; Domain=example.com`, `a=b`},
		{`a=b; domain=.EXAMPLE.com`, `a=b`},
		{`a=b; Domain=www.example.com`, `a=b`},
		{`a=b; Domain=com`, ``},
		{`a=b; Domain=ample.com`, ``},
		{`a=b; Domain=other.example.com`, ``},
		{`a=b; Domain=`, `a=b`},
		{`a=b; Path=/shop`, `a=b`},
		{`a=b; Path=/sho`, ``},
		{`a=b; Path=/shop/cart/`, ``},
		{`a=b; Path=relative`, `a=b`},
		{`a=b; Secure`, ``},
		{`a=b; Max-Age=0`, ``},
		{`a=b; Max-Age=-1`, ``},
		{`a=b; Max-Age=soon`, `a=b`},
		{`a=b; Max-Age=60`, `a=b`},
		{`a=b; Max-Age=99999999999999999999`, `a=b`},
		{`a=b; Expires=Wed, 21 Oct 2015 07:28:00 GMT; Max-Age=60`, `a=b`},
		{`a=b; Expires=Wed, 21 Oct 2015 07:28:00 GMT`, ``},
		{`a=b; Expires=never`, `a=b`},
	} {
		var j Jar
		j.Set(site, c.line, start)
		if got := sent(&j, site, start); got != c.want {
			t.Errorf("%s: %q is sent back, want %q", c.line, got, c.want)
		}
	}
}

// One name on different paths is two cookies, longer paths go first, a new value
// keeps its place, and each goes only where it belongs.
func TestWhichCookiesAreSent(t *testing.T) {
	var j Jar
	root := Site{Host: "h.example.com", Path: "/"}
	for _, line := range []string{"a=1; Path=/", "b=1; Path=/", "a=2; Path=/deep", "c=1; Path=/; Domain=example.com", "a=3; Path=/", "s=1; Path=/; Secure"} {
		j.Set(root, line, start)
	}
	for _, c := range []struct {
		site Site
		want string
	}{
		{root, "a=3; b=1; c=1"},
		{Site{Host: "h.example.com", Path: "/deep?q"}, "a=2; a=3; b=1; c=1"},
		{Site{Host: "h.example.com", Path: "/deeper"}, "a=3; b=1; c=1"},
		{Site{Host: "h.example.com", Path: "/", Secure: true}, "a=3; b=1; c=1; s=1"},
		{Site{Host: "x.h.example.com", Path: "/"}, "c=1"},
		{Site{Host: "other.com", Path: "/"}, ""},
	} {
		if got := sent(&j, c.site, start); got != c.want {
			t.Errorf("%+v: %q, want %q", c.site, got, c.want)
		}
	}
	j.Set(root, "b=; Path=/; Max-Age=0", start)
	if got := sent(&j, root, start); got != "a=3; c=1" {
		t.Errorf("after a deletion: %q", got)
	}
	j.Clear()
	if !j.Empty() || sent(&j, root, start) != "" {
		t.Error("something is left")
	}
}

func TestCookiesExpire(t *testing.T) {
	var j Jar
	site := Site{Host: "10.0.0.1", Path: "/"}
	j.Set(site, "a=1; Max-Age=10", start)
	j.Set(site, "b=1; Domain=10.0.0.1", start)
	if got := sent(&j, site, start.Add(9*time.Second)); got != "a=1; b=1" {
		t.Errorf("before: %q", got)
	}
	if got := sent(&j, site, start.Add(10*time.Second)); got != "b=1" {
		t.Errorf("after: %q", got)
	}
}

func TestAJarIsBounded(t *testing.T) {
	var j Jar
	site := Site{Host: "h", Path: "/"}
	for i := range maxCookies + 5 {
		j.Set(site, fmt.Sprintf("c%d=1", i), start)
	}
	if pairs := j.For(nil, site, start); len(pairs) != maxCookies || pairs[0].Name != "c5" {
		t.Errorf("%d cookies, from %s", len(pairs), pairs[0].Name)
	}
}

func TestDates(t *testing.T) {
	want := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, date := range []string{
		"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "6 november 1994 8:49:37",
		"1994 Nov 06 08:49:37", "08:49:37 6 Nov 94 +0000", "Sun,06-NOV-1994,08:49:37", "(6/nov/1994)08:49:37x",
	} {
		if got, ok := parseDate(date); !ok || !got.Equal(want) {
			t.Errorf("%s: %v, %v", date, got, ok)
		}
	}
	for _, date := range []string{
		"", "never", "06 Nov 1994", "08:49:37", "32 Nov 1994 08:49:37", "31 Feb 2099 00:00:00", "1 Nov 1600 00:00:00", "1 Nov 2030 24:00:00", "1 Nov 2030 0:60:00", "1 Nov 2030 00:00:60", "1 Foo 2030 00:00:00",
	} {
		if got, ok := parseDate(date); ok {
			t.Errorf("%s: %v", date, got)
		}
	}
	for date, year := range map[string]int{"1 Jan 70 00:00:00": 1970, "1 Jan 99 00:00:00": 1999, "1 Jan 00 00:00:00": 2000, "1 Jan 69 00:00:00": 2069} {
		if got, ok := parseDate(date); !ok || got.Year() != year {
			t.Errorf("%s: %v", date, got)
		}
	}
}

// Domains, paths and order are those of net/http's jar, for cookies that it can
// keep.
func TestJarAsNetHTTPs(t *testing.T) {
	hosts := []string{"a.example.com", "example.com", "b.a.example.com", "other.net", "10.0.0.1"}
	paths := []string{"/", "/x", "/x/y", "/x/y/", "/xy", "/x/y/z?q=/"}
	attributes := []string{"", "; Path=/", "; Path=/x", "; Path=/x/", "; Domain=example.com", "; Domain=a.example.com", "; Domain=other.net", "; Domain=10.0.0.1", "; Secure", "; Max-Age=100", "; Max-Age=0", "; path=; domain="}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(8, seed))
		draw := func(of []string) string { return of[rng.IntN(len(of))] }
		var own Jar
		other, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		for range 12 {
			u := &url.URL{Scheme: draw([]string{"http", "https"}), Host: draw(hosts)}
			u.Path, u.RawQuery, _ = strings.Cut(draw(paths), "?")
			site := Site{Host: u.Host, Path: u.RequestURI(), Secure: u.Scheme == "https"}
			line := fmt.Sprintf("%s=%d%s%s", draw([]string{"a", "b", "c"}), rng.IntN(9), draw(attributes), draw(attributes))
			own.Set(site, line, now)
			if c, err := http.ParseSetCookie(line); err == nil {
				other.SetCookies(u, []*http.Cookie{c})
			}
			u.Host = draw(hosts)
			site.Host = u.Host
			var want []string
			for _, c := range other.Cookies(u) {
				want = append(want, c.Name+"="+c.Value)
			}
			if got := sent(&own, site, now); got != strings.Join(want, "; ") {
				t.Fatalf("seed %d: after %s, %v gets %q, of net/http %q", seed, line, u, got, want)
			}
		}
	}
}

// What a line sets is part of the line, and nothing but that is sent back.
func FuzzSet(f *testing.F) {
	for _, seed := range []string{"a=b", "a", "=", ";", "a=b; Path=/x; Domain=h.example.com; Secure; Max-Age=9; Expires=Sun, 06 Nov 2094 08:49:37 GMT", "a=\x00", "a=b; Max-Age=-", "é=\"", "a=b; expires=::"} {
		f.Add(seed, "/a/b")
	}
	f.Fuzz(func(t *testing.T, line, path string) {
		var j Jar
		site := Site{Host: "h.example.com", Path: "/" + path, Secure: true}
		j.Set(site, line, start)
		pairs := j.For(nil, site, start)
		if len(pairs) > 1 || slices.ContainsFunc(pairs, func(p Pair) bool {
			return !strings.Contains(line, p.Name) || !strings.Contains(line, p.Value) || strings.Contains(p.Name+p.Value, ";")
		}) {
			t.Errorf("%q sets %q", line, pairs)
		}
		parseDate(line)
	})
}
