package wire

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/locustworker/internal/python"
)

// Conformance: ER2
func TestErrorKeyVectors(t *testing.T) {
	for _, test := range [][4]string{
		{"GET", "/err", "Exception('bad thing')", "fa138c3dc80557cf159641bcbf67267b6d29915a007c87979fd80ec923aebea0"},
		{"GET", "/a", "it's", "a5d8a424ff5d4ea15891728f63fd222bf6e5696991110874bf6e53982f1c5fba"},
	} {
		if got := ErrorKey(test[0], test[1], test[2]); got != test[3] {
			t.Errorf("%q: %s", test, got)
		}
	}
}

func TestMaskAddress(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain", "plain"},
		{"<X object at 0x7f00aa>", "<X object at 0x....>"},
		{"<X object at 0x7f00aa", "<X object at 0x7f00aa"},
		{"> <X object at 0x1> and 0x1>, 0x12", "> <X object at 0x....> and 0x....>, 0x....2"},
		{"<X object at 0x1> <Y object at 0x2>", "<X object at 0x....> <Y object at 0x2>"},
		{"<X object at 0x....>", "<X object at 0x....>"},
		{"object at 0x>", "object at 0x....>"},
	}
	for _, test := range tests {
		if got := maskAddress(test.in); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

// randomText mixes what repr treats differently; kinds is what printable.py says.
func randomText(r *rand.Rand, kinds string) string {
	pieces := []string{
		"'", `"`, `\`, "\t", "\n", "\r", "\x00", "\x7f", "\u00a0", "\u00ad", "é", "\u2028", "\u200b", "€", "\ue000", "😀",
		"\U000e0001", "\ufeff", " ", "<X object at 0x", "7f3a", ">", "0x7f3a", "object at 0x12>",
	}
	var b strings.Builder
	for range r.IntN(12) {
		c := rune(r.IntN(0x80))
		switch r.IntN(4) {
		case 0:
			b.WriteRune(c)
		case 1:
			// a character that Python's version of Unicode does not have may
			// be printable here
			if c = rune(r.IntN(0x20000)); kinds[c] == 'p' || kinds[c] == 'n' {
				b.WriteRune(c)
			}
		default:
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
	}
	return b.String()
}

// Keys and reprs of random texts are those of the real Locust and Python.
//
// Conformance: ER2
func TestErrorKeysLikePython(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	kinds := script(t, "../../python/testdata/printable.py", "")[0]
	var texts [][3]string
	var in strings.Builder
	for range 20_000 {
		text := [3]string{"GET", "/" + randomText(r, kinds), randomText(r, kinds)}
		line, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
		in.Write(line)
		in.WriteByte('\n')
	}
	lines := script(t, "errorkeys.py", in.String())
	if len(lines) != len(texts) {
		t.Fatalf("%d answers to %d texts", len(lines), len(texts))
	}
	for i, line := range lines {
		var want struct{ Key, Repr string }
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		text := texts[i]
		if got := python.Repr(text[2]); got != want.Repr {
			t.Errorf("%q: repr %s, want %s", text[2], got, want.Repr)
		}
		if got := ErrorKey(text[0], text[1], text[2]); got != want.Key {
			t.Errorf("%q: key %s, want %s", text, got, want.Key)
		}
		if t.Failed() {
			return
		}
	}
}

// Conformance: ER2
func FuzzErrorKey(f *testing.F) {
	f.Add("GET", "/a", "it's")
	f.Add("", "\xff", "<X object at 0x1>")
	f.Fuzz(func(t *testing.T, method, name, text string) {
		key := ErrorKey(method, name, text)
		if len(key) != 64 || strings.Trim(key, "0123456789abcdef") != "" {
			t.Fatalf("key %q", key)
		}
		if masked := maskAddress(text); maskAddress(masked) != masked || ErrorKey(method, name, masked) != key {
			t.Fatalf("%q and %q have different keys", text, masked)
		}
		if ErrorKey(method, name, validUTF8(text)) != key {
			t.Fatal("the key of the text that is sent differs")
		}
	})
}
