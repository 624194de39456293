package cli

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/locustworker/internal/python"
)

func listTexts() []string {
	return []string{
		"[]", "[ ]", "[a]", "[a,b]", "[a, b ]", "[ a b , c]", `["a","b c"]`, `["a", 1, 2.50, -0.0, 1e3, true, false, null]`, "[1,2]",
		"[a,]", "[,]", "[[a]", "[1]]", "[1],[2]", `["a]`, "['a','b']", `["\u00e9"]`, "[ü, 漢]", "[a\tb]", "[1e400]", "[12345678901234567890]",
	}
}

// Conformance: C7
func TestParseListIsConfigArgParses(t *testing.T) {
	texts := listTexts()
	for i, want := range peer[string, []string](t, "list", texts) {
		got, ok := parseList(texts[i])
		if want == nil || !ok || !slices.Equal(got, *want) {
			t.Errorf("%s: %q, %t; Python says %q", texts[i], got, ok, *want)
		}
	}
	for _, text := range []string{"", "[", "]", "a", "a,b", "a b", "[a] ", " [a]", "(a)", "[a]b"} {
		if got, ok := parseList(text); ok {
			t.Errorf("%q is a list: %q", text, got)
		}
	}
}

func TestParseListKeepsNestedJSON(t *testing.T) {
	got, ok := parseList(`[{"user_class_name": "A<B", "weight": 12}, ["x", 1.50]]`)
	if want := []string{`{"user_class_name":"A<B","weight":12}`, `["x",1.50]`}; !ok || !slices.Equal(got, want) {
		t.Errorf("got %q, %t", got, ok)
	}
}

func FuzzParseList(f *testing.F) {
	for _, text := range listTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, ok := parseList(text)
		if bracketed := len(text) > 1 && text[0] == '[' && text[len(text)-1] == ']'; ok != bracketed || !ok && values != nil {
			t.Fatalf("%q: %q, %t", text, values, ok)
		}
	})
}

func TestParseIntIsPythons(t *testing.T) {
	texts := []string{
		"0", "7", "-1", "+5", "007", " 12 ", "\t3\n", "\u00a03", "1_000", "1_0_0", "9223372036854775807",
		"", " ", "_1", "1_", "1__0", "+_1", "-_1", "1.0", "1e3", "0x10", "--1", "+ 1", "1 2", "a", "-", "+", "9223372036854775808",
	}
	for i, want := range peer[string, string](t, "int", texts) {
		got, err := ParseInt(texts[i])
		switch {
		case texts[i] == "9223372036854775808":
			if err == nil || !strings.Contains(err.Error(), "too large") {
				t.Errorf("%q: %d, %v", texts[i], got, err)
			}
		case want == nil && err == nil:
			t.Errorf("%q: %d, Python refuses it", texts[i], got)
		case want != nil && (err != nil || strconv.Itoa(got) != *want):
			t.Errorf("%q: %d, %v; Python says %s", texts[i], got, err, *want)
		}
	}
}

func TestParseFloatIsPythons(t *testing.T) {
	texts := []string{"0", "1.5", "-2", " 3.25 ", "1e3", ".5", "5.", "+1", "inf", "nan", "-Infinity", "", "1.5.2", "0x1p-2", "1,5", "a"}
	for i, want := range peer[string, string](t, "float", texts) {
		got, err := ParseFloat(texts[i])
		if (want == nil) != (err != nil) || err == nil && python.Float(got) != *want {
			t.Errorf("%q: %v, %v; Python says %v", texts[i], got, err, want)
		}
	}
}
