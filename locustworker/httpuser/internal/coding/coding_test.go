package coding

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

var page = []byte(strings.Repeat("a page with some text. ", 500))

func pack(t testing.TB, coding string, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip", "x-gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "raw":
		w, err = flate.NewWriter(&b, 5)
	case "br":
		w = brotli.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func chainOf(lists ...string) (c Chain) {
	for _, list := range lists {
		c.Add(list)
	}
	return c
}

func TestCodings(t *testing.T) {
	gz := pack(t, "gzip", page)
	damaged := bytes.Clone(gz)
	damaged[len(damaged)-8] ^= 1
	twice := pack(t, "br", gz)
	for name, c := range map[string]struct {
		chain Chain
		body  []byte
		want  []byte
		err   error
	}{
		"gzip":                 {chainOf("gzip"), gz, page, nil},
		"x-gzip":               {chainOf("X-GZip"), gz, page, nil},
		"deflate":              {chainOf("deflate"), pack(t, "deflate", page), page, nil},
		"raw deflate":          {chainOf("Deflate"), pack(t, "raw", page), page, nil},
		"br":                   {chainOf("br"), pack(t, "br", page), page, nil},
		"zstd":                 {chainOf("zstd"), pack(t, "zstd", page), page, nil},
		"two":                  {chainOf("gzip, br"), twice, page, nil},
		"two lines":            {chainOf("gzip", "identity", "br"), twice, page, nil},
		"empty":                {chainOf("gzip, br"), nil, nil, nil},
		"two members":          {chainOf("gzip"), append(bytes.Clone(gz), gz...), append(bytes.Clone(page), page...), nil},
		"bytes behind":         {chainOf("gzip"), append(bytes.Clone(gz), "garbage"...), page, nil},
		"a header behind":      {chainOf("gzip"), append(bytes.Clone(gz), 0x1f, 0x8b, 8, 0), page, nil},
		"no trailer":           {chainOf("gzip"), gz[:len(gz)-8], page, nil},
		"a part of the header": {chainOf("gzip"), gz[:5], nil, nil},
		"one byte":             {chainOf("gzip"), gz[:1], nil, nil},
		"damaged":              {chainOf("gzip"), damaged, nil, ErrCorrupt},
		"damaged within":       {chainOf("deflate, gzip"), pack(t, "gzip", pack(t, "deflate", page))[:40], nil, nil},
		"not gzip":             {chainOf("gzip"), page, nil, ErrHeader},
		"not gzip's method":    {chainOf("gzip"), []byte("\x1f\x8bcd"), nil, ErrCorrupt},
		"not deflate":          {chainOf("deflate"), []byte("\xff\xff\xff"), nil, ErrCorrupt},
		"not br":               {chainOf("br"), page, nil, ErrCorrupt},
		"not zstd":             {chainOf("zstd"), page, nil, ErrCorrupt},
		"zstd cut off":         {chainOf("zstd"), pack(t, "zstd", page)[:20], nil, ErrCorrupt},
		"too many":             {chainOf("gzip, gzip, gzip, gzip, gzip, gzip"), page, nil, ErrChain},
		"too large":            {chainOf("gzip"), pack(t, "gzip", make([]byte, 1<<20)), nil, ErrTooLarge},
	} {
		got, err := c.chain.AppendDecoded([]byte("before"), c.body, 1<<16)
		if !errors.Is(err, c.err) || err == nil && c.want != nil && string(got) != "before"+string(c.want) {
			t.Errorf("%s: %d bytes, %v; want %d, %v", name, len(got), err, len(c.want), c.err)
		}
	}
}

func TestPlain(t *testing.T) {
	for list, want := range map[string]bool{"": true, "identity": true, " , ": true, "unknown": true, "gzip, unknown": true, "gzip": false, "Identity, BR": false} {
		if c := chainOf(list); c.Plain() != want {
			t.Errorf("%q: %v", list, c.Plain())
		}
	}
}

// The errors of the source are its own, also where a decoder has others for them.
func TestSourceErrors(t *testing.T) {
	for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		c := chainOf(coding)
		packed := pack(t, coding, page)
		for _, n := range []int{0, 1, 20, len(packed) - 1} {
			r, err := c.Open(io.MultiReader(bytes.NewReader(packed[:n]), iotest.ErrReader(io.ErrUnexpectedEOF)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = io.Copy(io.Discard, r); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s after %d bytes: %v", coding, n, err)
			}
			r.Close()
			if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s is read after its end: %v", coding, err)
			}
		}
	}
}

// Whatever claims to be coded: no panic, and no more than the limit.
func FuzzDecode(f *testing.F) {
	for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		f.Add(coding, pack(f, coding, []byte("a page")))
		f.Add(coding+", "+coding, []byte("a page"))
	}
	f.Fuzz(func(t *testing.T, list string, body []byte) {
		const limit = 1 << 12
		c := chainOf(list)
		got, err := c.AppendDecoded(nil, body, limit)
		if err == nil && len(got) > limit || len(got) > 8*limit {
			t.Errorf("%s: %d bytes (%v)", list, len(got), err)
		}
	})
}
