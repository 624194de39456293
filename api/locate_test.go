package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestLocate(t *testing.T) {
	const document = ` {"a" : [ 1 , {"b":"]}\"" , "c d":{} } ,[] ], "x.y":{"\"\\":-1e5}, "":null,"dup":1,"dup":2,"\u0064e":3 } `
	for path, want := range map[string]string{
		".":                strings.TrimSpace(document),
		"a":                `[ 1 , {"b":"]}\"" , "c d":{} } ,[] ]`,
		"a[0]":             `1`,
		"a[-3]":            `1`,
		"a[1].b":           `"]}\""`,
		"a[1].c d":         `{}`,
		"a[-1]":            `[]`,
		`["x.y"]["\"\\"]`:  `-1e5`,
		`["x.y"]['"\\']`:   `-1e5`,
		`[""]`:             `null`,
		"dup":              `2`,
		"de":               `3`,
		"nope":             "",
		"a[3]":             "",
		"a[-4]":            "",
		"a.b":              "",
		"a[0].b":           "",
		"a[0][0]":          "",
		"a[2][0]":          "",
		"[0]":              "",
		"a[1].c d.e":       "",
		"a[999999999999]":  "",
		"a[-999999999999]": "",
	} {
		p, err := ParsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		from, to, err := locate([]byte(document), p)
		if want == "" {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %d, %d, %v", path, from, to, err)
			}
			continue
		}
		if err != nil || document[from:to] != want {
			t.Errorf("%s: %q, %v, want %q", path, document[from:to], err, want)
		}
	}
}

// FuzzReplaceAt holds that a valid document stays valid, and that the new value is found where it was put.
func FuzzReplaceAt(f *testing.F) {
	for _, path := range []string{"a", "a.b[0]", `["x.y"]`, "[-1]", ".", `["\"\\"].c`, "$.a"} {
		f.Add(`{"a":{"b":[1,{"c":2}]},"x.y":"z","\"\\":{"c":[]}}`, path)
		f.Add(`[[],{"a":"a"},3]`, path)
	}
	f.Fuzz(func(t *testing.T, document, text string) {
		path, err := ParsePath(text)
		if err != nil || !json.Valid([]byte(document)) {
			return
		}
		value := []byte(`{"new":[true]}`)
		out, err := replaceAt([]byte(document), path, value)
		if err != nil {
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%q at %q became %q", document, text, out)
		}
		from, to, err := locate(out, path)
		if err != nil || !bytes.Equal(out[from:to], value) {
			t.Fatalf("%q at %q: found %q, %v", out, text, out[from:to], err)
		}
	})
}

// FuzzAppendQuoted holds it against encoding/json.
func FuzzAppendQuoted(f *testing.F) {
	for _, text := range []string{"", "a", `"\`, "\x00\n\x1f\x7f", "é\u2028😀", "\xff\xc3", "a\xe2\x82"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var buf bytes.Buffer
		appendQuoted(&buf, text)
		var got string
		if err := json.Unmarshal(buf.Bytes(), &got); err != nil || got != string([]rune(text)) {
			t.Fatalf("%q became %s: %v", text, buf.Bytes(), err)
		}
	})
}
