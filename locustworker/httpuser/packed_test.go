package httpuser

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/hex"
	"io"
	"strings"
	"testing"
)

// Bandwing is a body of 13.5 KB.
var Bandwing = strings.Repeat("bandwing ", 1500)

// brotlied is what Python's brotli.compress makes of a body.
var brotlied = map[string][]byte{
	"":       mustHex("3b"),
	Bandwing: mustHex("1bbb34f8c5636c5dfb9292e38adf82816d2c00e2fc2e00"),
}

func mustHex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}

// Encodings packs a body in every way in which it may come.
func Encodings(t testing.TB, body []byte) map[string][]byte {
	t.Helper()
	pack := func(open func(io.Writer) io.WriteCloser) []byte {
		var b bytes.Buffer
		w := open(&b)
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
		w.Close()
		return b.Bytes()
	}
	return map[string][]byte{
		"":        body,
		"unknown": body,
		"gzip":    pack(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
		"x-gzip":  pack(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
		"deflate": pack(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }),
		"deflate, raw": pack(func(w io.Writer) io.WriteCloser {
			z, err := flate.NewWriter(w, flate.BestSpeed)
			if err != nil {
				t.Fatal(err)
			}
			return z
		}),
		"br": brotlied[string(body)],
	}
}
