package http1

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestHeads(t *testing.T) {
	for _, c := range []struct {
		head string
		want Head
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Head{Status: 200, Length: 5}},
		{"HTTP/1.1 200\n\n", Head{Status: 200, Length: -1}},
		{"HTTP/1.1  404\tNot Found\r\ncONTENT-lENGTH:5\r\n\r\n", Head{Status: 404, Length: 5}},
		{"HTTP/1.0 200 OK\r\n\r\n", Head{Status: 200, Length: -1, Old: true, Close: true}},
		{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", Head{Status: 200, Length: -1, Old: true}},
		{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n", Head{Status: 200, Length: -1, Old: true, Close: true, Chunked: true}},
		{"HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\n\r\n", Head{Status: 200, Length: -1, Close: true}},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n", Head{Status: 200, Length: 2}},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n", Head{Status: 200, Length: 2}},
		{"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n", Head{Status: 200, Length: -1}},
		{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", Head{Status: 200, Length: 1<<63 - 1}},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n", Head{Status: 200, Length: 2}},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\nTransfer-Encoding: Chunked\r\n\r\n", Head{Status: 200, Length: -1, Chunked: true}},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked;x=y\r\n\r\n", Head{Status: 200, Length: -1, Chunked: true}},
		{"HTTP/1.1 200 OK\r\nno colon\r\n: no name\r\nContent-Length : 2\r\n\r\n", Head{Status: 200, Length: 2}},
		{"HTTP/1.1 200 OK\r\n folded: at first\r\nContent-Length:\r\n 2\r\n\r\n", Head{Status: 200, Length: 2}},
		{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nA: b\r\n\r\nHTTP/1.1 302 X\r\nlocation: /\r\nSet-Cookie: a\r\nContent-Encoding: br\r\n\r\n", Head{Status: 302, Length: -1, Located: true, Cookies: true, Encoded: true}},
		{"HTTP/1.1 101 Switching Protocols\r\n\r\n", Head{Status: 101, Length: -1}},
	} {
		for name, src := range map[string]io.Reader{
			"at once": strings.NewReader(c.head + "rest"), "byte by byte": iotest.OneByteReader(strings.NewReader(c.head + "rest")),
		} {
			var b Reader
			var got Head
			b.Reset(src)
			if err := ReadHead(&b, &got); err != nil {
				t.Errorf("%q, %s: %v", c.head, name, err)
				continue
			}
			got.Raw, got.fields = nil, 0
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, %s: %+v, want %+v", c.head, name, got, c.want)
			}
			b.Release()
		}
	}
}

func TestHeadsThatAreNone(t *testing.T) {
	var badLine *StatusLineError
	var badVersion *VersionError
	var badLength *LengthError
	for head, want := range map[string]any{
		"":                            io.EOF,
		"HT":                          io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nA: b":     io.ErrUnexpectedEOF,
		"GARBAGE":                     &badLine,
		"\r\nHTTP/1.1 200 OK\r\n\r\n": &badLine,
		"HTTP/1.1 20 OK\r\n\r\n":      &badLine,
		"HTTP/1.1 2000 OK\r\n\r\n":    &badLine,
		"HTTP/1.1 099 OK\r\n\r\n":     &badLine,
		"HTTP/2.0 200 OK\r\n\r\n":     &badVersion,
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2, 1\r\n\r\n":   &badLength,
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", MaxHead):                  ErrTooLong,
		strings.Repeat("HTTP/1.1 102 X\r\n\r\n", MaxInterim+1):                   ErrInterim,
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", MaxHead/6+1) + "\r\n": ErrTooLong,
	} {
		var b Reader
		var h Head
		b.Reset(strings.NewReader(head))
		err := ReadHead(&b, &h)
		b.Release()
		switch w := want.(type) {
		case error:
			if !errors.Is(err, w) {
				t.Errorf("%.60q: %v, want %v", head, err, w)
			}
		default:
			if !errors.As(err, w) {
				t.Errorf("%.60q: %v, want a %T", head, err, w)
			}
		}
	}
}

func TestFields(t *testing.T) {
	var h Head
	if err := Parse([]byte("HTTP/1.1 200  It's  fine \r\nX-A: 1\r\nx-b:\r\nX-A : two\r\n\twords \r\nX-C: a\rb\r\nnone\r\n\r\n"), &h); err != nil {
		t.Fatal(err)
	}
	if string(h.Reason()) != "It's  fine" {
		t.Errorf("reason %q", h.Reason())
	}
	var all []string
	h.Each("x-a", func(v []byte) { all = append(all, string(v)) })
	if !reflect.DeepEqual(all, []string{"1", "two  \twords"}) {
		t.Errorf("X-A is %q", all)
	}
	for key, want := range map[string]string{"X-A": "1", "X-B": "", "x-c": "a b"} {
		if v, ok := h.Get(key); string(v) != want || !ok {
			t.Errorf("%s is %q, %v", key, v, ok)
		}
	}
	if v, ok := h.Get("none"); ok {
		t.Errorf("a line without a colon is the field %q", v)
	}
}

// readOf reads the head and the body of an answer in parts of some size.
func readOf(answer []byte, size int, method string) (h Head, body []byte, reusable bool, err error) {
	var b Reader
	defer b.Release()
	b.Reset(&parts{answer, size})
	if err := ReadHead(&b, &h); err != nil {
		return Head{}, nil, false, err
	}
	h.Raw = bytes.Clone(h.Raw)
	var payload Body
	payload.Init(&b, &h, method)
	body, err = payload.AppendAll(nil, 1<<16)
	return h, body, payload.Reusable(), err
}

// parts gives at most so many bytes at a time.
type parts struct {
	left []byte
	size int
}

func (p *parts) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.left[:min(p.size, len(p.left))])
	p.left = p.left[n:]
	return n, nil
}

// An answer is the same, in whatever parts it arrives, and no memory is taken on
// its word.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "H", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nabc",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\nmore",
		"HTTP/1.0 200\r\n a\r\nb\r\n\r\nabc", "HTTP/1.1 100\r\n\r\nHTTP/1.1 204 X\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "HTTP/1.1 200 OK\r\nX:\r\n y\r\n\r\n",
	} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, answer []byte, size int) {
		for _, method := range []string{"GET", "HEAD"} {
			h1, body1, again1, err1 := readOf(answer, len(answer)+1, method)
			h2, body2, again2, err2 := readOf(answer, 1+max(size, 0)%100, method)
			var line *StatusLineError
			if errors.As(err1, &line) && errors.As(err2, &line) {
				continue // of which they show what has come
			}
			if !reflect.DeepEqual(h1, h2) || !bytes.Equal(body1, body2) || (err1 == nil) != (err2 == nil) || again1 && !again2 {
				t.Errorf("%q: %+v %q %v (%v), in parts %+v %q %v (%v)", answer, h1, body1, again1, err1, h2, body2, again2, err2)
			}
			if len(body1) > len(answer) || cap(body1) > 2*claimed {
				t.Errorf("%q: a body of %d bytes, with room for %d", answer, len(body1), cap(body1))
			}
			h1.Each("x", func([]byte) {})
			h1.Reason()
		}
	})
}

// Skip leaves a connection as AppendAll does.
func FuzzChunks(f *testing.F) {
	for _, seed := range []string{"", "0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "3\nabc\n0\nA: b\n\n", "03 ;x\r\nabc\r\n0", "zz\r\n", "-1\r\n", "3\r\nabcd\r\n", "ffffffffffffffffff\r\n", " \t5\r\nabcde\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, chunks []byte) {
		h := Head{Status: 200, Length: -1, Chunked: true}
		var r1, r2 Reader
		defer r1.Release()
		defer r2.Release()
		r1.Reset(bytes.NewReader(chunks))
		r2.Reset(iotest.OneByteReader(bytes.NewReader(chunks)))
		var b1, b2 Body
		b1.Init(&r1, &h, "GET")
		b2.Init(&r2, &h, "GET")
		body, err1 := b1.AppendAll(nil, 1<<16)
		n, err2 := b2.Skip(1 << 16)
		if (err1 == nil) != (err2 == nil) || err1 == nil && n != int64(len(body)) {
			t.Errorf("%q: %q (%v), %d skipped (%v)", chunks, body, err1, n, err2)
		}
	})
}
