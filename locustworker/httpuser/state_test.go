package httpuser_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

func TestSessionHeaders(t *testing.T) {
	r := newRig(t, serve(t, echo).URL, httpuser.Config{Headers: map[string]string{"X-A": "config", "Accept": "text/x"}}, 0)
	sent := func() http.Header {
		t.Helper()
		return decode(t, must(t)(r.Get(r.user.Context(), "/"))).Header
	}
	set := func(key, value string) {
		t.Helper()
		if err := r.SetHeader(key, value); err != nil {
			t.Fatal(err)
		}
	}
	set("Authorization", "Bearer 1")
	set("authorization", "Bearer 2")
	set("x-a", "session")
	if h := sent(); h.Get("Authorization") != "Bearer 2" || h.Get("X-A") != "session" || h.Get("Accept") != "text/x" {
		t.Errorf("sent %v", h)
	}
	set("AUTHORIZATION", "")
	set("X-Never", "")
	if h := sent(); h.Get("Authorization") != "" || h.Get("X-A") != "session" {
		t.Errorf("sent %v", h)
	}
	for key, value := range map[string]string{"": "x", "a b": "x", "X": "a\r\nb"} {
		if err := r.SetHeader(key, value); !errors.Is(err, httpuser.ErrRequest) {
			t.Errorf("%q: %q is accepted: %v", key, value, err)
		}
	}
}

func TestSessionCookies(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "42", Path: "/"})
		}
		io.WriteString(w, r.Header.Get("Cookie"))
	})
	other := serve(t, echo)
	r := newRig(t, srv.URL, httpuser.Config{}, 0)
	cookies := func(path, want string) {
		t.Helper()
		found, err := r.Cookies(path)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, c := range found {
			got += c.Name + "=" + c.Value + " "
		}
		if got != want {
			t.Errorf("the cookies for %s are %q, want %q", path, got, want)
		}
	}
	cookies("/", "")
	resp := must(t)(r.Get(r.user.Context(), "/login"))
	if got := resp.HeaderValues("set-cookie"); !slices.Equal(got, []string{"sid=42; Path=/"}) {
		t.Errorf("the answer sets %q", got)
	}
	cookies("/", "sid=42 ")
	cookies(other.URL, "sid=42 ") // of the same host: a cookie knows no port
	cookies("http://elsewhere.invalid/", "")
	if err := r.SetCookies("/", &http.Cookie{Name: "sid", Value: "43"}, &http.Cookie{Name: "deep", Value: "1", Path: "/deep"}); err != nil {
		t.Fatal(err)
	}
	cookies("/", "sid=43 ")
	cookies("/deep/x", "deep=1 sid=43 ")
	if got := string(must(t)(r.Get(r.user.Context(), "/", httpuser.Cookie("own", "1"), httpuser.Cookie("sid", "own"))).Body); got != "sid=own; own=1" {
		t.Errorf("sent %q", got)
	}
	cookies("/", "sid=43 ")
	if err := r.SetCookies("/", &http.Cookie{Name: "sid", MaxAge: -1}); err != nil {
		t.Fatal(err)
	}
	cookies("/", "")
	cookies("/deep/", "deep=1 ")
	r.ClearCookies()
	cookies("/deep/", "")
	for name, err := range map[string]error{
		"name":   r.SetCookies("/", &http.Cookie{Name: "a b", Value: "x"}),
		"value":  r.SetCookies("/", &http.Cookie{Name: "a", Value: "x\r\ny"}),
		"path":   r.SetCookies("http://[::1", &http.Cookie{Name: "a", Value: "x"}),
		"own":    second(r.Get(r.user.Context(), "/", httpuser.Cookie("a", "x\r\ny"))),
		"sought": func() error { _, err := r.Cookies("http://[::1"); return err }(),
	} {
		if !errors.Is(err, httpuser.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// In unit tests of checks, responses are made by hand.
func TestResponseMadeByHand(t *testing.T) {
	r := &httpuser.Response{StatusCode: http.StatusOK, Body: []byte("7")}
	if n, err := httpuser.Decode[int](r); n != 7 || err != nil || r.Header("X") != "" || r.HeaderValues("X") != nil || r.URL() != "" || !r.OK() {
		t.Errorf("%+v: %d, %v", r, n, err)
	}
}
