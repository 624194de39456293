package httpuser

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
)

// Conformance: P18
func TestRESTRecordsAsHttpUser(t *testing.T) {
	answer := func(status, kind, body string) func(net.Conn) {
		return func(c net.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, kind, len(body), body)
		}
	}
	const ok, notFound = "200 OK", "404 Not Found"
	const js, html, latin = "Content-Type: application/json\r\n", "Content-Type: text/html\r\n", "Content-Type: text/plain; charset=ISO-8859-1\r\n"
	requests := map[string]pyRequest{}
	for name, end := range map[string]func(net.Conn){
		"JSON":            answer(ok, js, `{"a": [1, 2.5e3, null, "é"]}`),
		"JSON, no type":   answer(ok, "", `{"a": 1}`),
		"not a number":    answer(ok, js, `[NaN, -Infinity, "NaN \" Infinity", {"Infinity": Infinity}]`),
		"almost a number": answer(ok, js, `["a", 1NaN]`),
		"empty":           answer(ok, js, ""),
		"empty 404":       answer(notFound, js, ""),
		"no content":      answer("204 No Content", "", ""),
		"JSON 404":        answer(notFound, js, `{"error": "gone"}`),
		"page":            answer(ok, html, "<html>it's \"here\"</html>\n"),
		"page 404":        answer(notFound, html, "<html>gone</html>"),
		"page 500":        answer("500 Oh", html, "<html>oh</html>"),
		"long":            answer(ok, js, strings.Repeat("lang é ", 100)),
		"latin-1":         answer(ok, html, "caf\xe9 "+strings.Repeat("\xe9", 300)),
		"latin-1, quoted": answer(ok, latin, "\"caf\xe9\"\n "+strings.Repeat("\xe9", 300)),
		"blank":           answer(ok, js, " \n "),
		"half":            answer(ok, js, "{\"a\": 1,\n \"é\": [1, 2"),
		"two":             answer(ok, js, "{}\n{}"),
	} {
		requests[name] = pyRequest{serveOnce(t, end), 20.0}
	}
	recordedAlike(t, "rest", requests, (*Session).REST)
}

// What is sent: REST's headers go over the configuration's, and under the
// request's own, as in Locust.
//
// Conformance: P18
func TestRESTHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		opts            []Option
		accept, content string
	}{
		"defaults":   {nil, "application/json", "application/json"},
		"own accept": {[]Option{Header("accept", "text/x")}, "text/x", "application/json"},
		"own type":   {[]Option{Body([]byte("a"), "text/y")}, "application/json", "text/y"},
		"own header": {[]Option{JSON(1), Header("Content-Type", "text/z")}, "application/json", "text/z"},
	} {
		got := make(chan string, 1)
		s := newSession(t, captured(t, got))
		s.headers = []header{{"Accept", "configured/a"}, {"Content-Type", "configured/c"}}
		if _, err := s.REST(s.user.Context(), "POST", "/", c.opts...); err != nil {
			t.Fatal(err)
		}
		head := <-got
		for _, line := range []string{"Accept: " + c.accept, "Content-Type: " + c.content} {
			if !strings.Contains(head, "\r\n"+line+"\r\n") {
				t.Errorf("%s: %q is not sent in %q", name, line, head)
			}
		}
	}
}

// captured serves one request and tells its head.
func captured(t *testing.T, head chan<- string) (host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		var buf [4096]byte
		n, _ := io.ReadAtLeast(c, buf[:], 1)
		head <- string(buf[:n])
		io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	}()
	return "http://" + l.Addr().String()
}

func TestDecode(t *testing.T) {
	type thing struct{ N int }
	if v, err := Decode[thing](&Response{StatusCode: 200, Body: []byte(`{"n": 7}`)}); err != nil || v.N != 7 {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := Decode[map[string]any](&Response{StatusCode: 404, Err: errClosed, Body: []byte(`{"error": "x"}`)}); err != nil || v["error"] != "x" {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := Decode[thing](&Response{StatusCode: 200, Body: []byte("secret")}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("no JSON: %v", err)
	}
	if _, err := Decode[thing](&Response{Err: errClosed}); !errors.Is(err, errClosed) {
		t.Errorf("no answer: %v", err)
	}
}

// isJSON takes what Python takes of texts that are made of pieces of JSON, whole
// and broken.
func TestIsJSONIsPythons(t *testing.T) {
	pieces := []string{
		"{", "}", "[", "]", ",", ":", `"a"`, `"é\n"`, `"`, `\`, "1", "-2.5e3", "true", "null", "NaN", " ", "\n", "x", "-", "u12", "é", "\t", "😀",
		`"k":`, `{"k":1}`, "[1,2]", `\u00e9`, `"\ud83d`, "Infinity", ".", "e", "-Infinity", `"NaN"`,
	}
	texts := []string{"", " ", "01", "1.", "[1,]", `{"a":1,}`, "\ufeff{}", `"\ud83d\u00"`, "\x0b1", `{"a": NaN}`, `[Infinity, -Infinity]`, "nan", "-NaN"}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		var b strings.Builder
		for range rng.IntN(9) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		texts = append(texts, b.String())
	}
	var want []bool
	python(t, "json", texts, &want)
	for i, text := range texts {
		if got := isJSON([]byte(text)); got != want[i] {
			t.Errorf("%q: %t, Python says %t", text, got, want[i])
		}
	}
}
