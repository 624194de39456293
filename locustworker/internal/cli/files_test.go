package cli

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// heldAgainstPython compares what one parser makes of texts with what Locust's
// does. Values are read alike where Locust's parser accepts the text; mayTake
// names the texts that it refuses and ours need not.
func heldAgainstPython(t *testing.T, command string, texts []string, parse func(string) ([]entry, error), mayTake ...string) {
	t.Helper()
	for i, want := range peer[string, []any](t, command, texts) {
		entries, err := parse(unixLines(texts[i]))
		if want == nil {
			if err == nil && !slices.Contains(mayTake, texts[i]) {
				t.Errorf("%q: %v, Python refuses it", texts[i], entries)
			}
			continue
		}
		last := map[string]entry{} // of a key that stands there twice
		for _, e := range entries {
			last[e.key] = e
		}
		got := []any{}
		for _, key := range slices.Sorted(maps.Keys(last)) {
			values := make([]any, 0, len(last[key].values))
			for _, value := range last[key].values {
				values = append(values, value)
			}
			got = append(got, []any{key, values, last[key].list})
		}
		if err != nil || !reflect.DeepEqual(got, *want) {
			t.Errorf("%q: %v, %v; Python says %v", texts[i], got, err, *want)
		}
	}
}

// confLines are lines of configuration files, well and ill formed.
func confLines() []string {
	lines := []string{
		"", "   ", "# comment", "; comment", "---", "--- host", "[section]", "[section", "host", "--host", "-H", "host=", "host =", "host:",
		"host = http://x", "host=http://x:80/a?b=c#d", "host: http://x", "host http://x", "host\thttp://x", "host  =  a b  ", "\thost = x",
		`host = "a b"`, `host = 'a b'`, `host = "a" b`, `host = "a`, `host = a"`, `host = ""`, `host ""`, "host\t\"\"", `host = "'"`, `host = "\""`,
		`host = "a" # c`, `host = a # c`, `host = a #c`, `host = a ; c`, `host = a;c`, `host = a#c`, `host = # c`, `host # c`, `host ; c`, `host#c`,
		`host = "a # b" # c`, `host = 'a" # c`, `host = "a"  ;`, `host = "a";c`, `host = a  b   # c # d`, `host = """`, `host = "" "`, `host = "a""b"`,
		"tags = [a, b]", "tags=[a]", `tags = ["a", "b c", 1, true]`, "tags = []", "tags = [a", "tags = a]", `tags = "[a, b]"`, "tags = [a] # c",
		"tags [a, b]", "tags: [1.0, 2]", "=x", ":x", " = x", "a=b=c", "a:b=c", "a b=c", "a = = b", "a : : b", "a =\tb", "reset-stats",
		"reset-stats = True", "a\u00a0b", "a\u2003=\u2003b", "a = b\u00a0# c", "a\x1fb", "ключ = значение", "a \x0c b", "a = \x00",
	}
	for _, value := range []string{"a", `"a"`, `'`, `"`, "#", ";", " ", "[", "]", `\`, "=", ":", "--x"} { // two of each after each other
		for _, other := range []string{"b", `"b"`, `'`, `"`, " #", "# ", ";", " ", "]", "="} {
			lines = append(lines, "k = "+value+other, "k "+value+other, "k"+value+other)
		}
	}
	return lines
}

func TestParseConfIsConfigArgParses(t *testing.T) {
	texts := append(confLines(),
		"a = 1\nb = 2\na = 3", "a = 1\r\nb = 2\r\n", "a = 1\rb = 2\r", "\n\n# x\na\n", "a = 1\n=\n", "a = 1\x0bb = 2", "a = 1\u2028b = 2")
	heldAgainstPython(t, "conf", texts, parseConf)
}

func TestParseConfNamesTheLine(t *testing.T) {
	_, err := parseConf("# first\n\nhost = a\n= b\n")
	if err == nil || !strings.Contains(err.Error(), "line 4") || !strings.Contains(err.Error(), "= b") {
		t.Error(err)
	}
}

func FuzzParseConf(f *testing.F) {
	for _, line := range confLines() {
		f.Add(line)
	}
	f.Add(strings.Join(confLines()[:12], "\r\n"))
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := parseConf(text)
		for _, e := range entries {
			if e.key == "" || strings.ContainsAny(e.key, ":=;#\n") || !e.list && len(e.values) != 1 {
				t.Fatalf("%q: %+v", text, e)
			}
			if value := e.values; !e.list && value[0] != "true" && !strings.Contains(text, value[0]) {
				t.Fatalf("%q: the value %q does not stand there", text, value[0])
			}
		}
		if err != nil && entries != nil {
			t.Fatalf("%q: entries and an error", text)
		}
	})
}
