package python

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/internal/pythontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// says returns what a command of testdata/texts.py makes of the questions.
func says[Q any](t *testing.T, command string, questions []Q) []string {
	t.Helper()
	var answers []string
	pythontest.Ask(t, questions, &answers, "testdata/texts.py", command)
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers
}

// texts have what is written in a way of its own, and every character below
// U+0870: beyond, Go's Unicode has letters that Python 3.11's has not.
func texts() []string {
	all := []string{
		"", "plain", "it's", `say "x"`, `both ' and "`, `back\slash`, "tab\tnl\ncr\rnul\x00del\x7f",
		"\u00a0\u00ad\u0378 é ß € 漢字 \U0001f600", "\u200b\u2028\ufeff\ue000", "\U000e0001\U0010ffff",
		"q\"b\\", "\n\r\t\b\f", "\x00\x1f\x7f", "é漢\U0001f600", "</a>",
	}
	for r := rune(0); r < 0x870; r++ {
		all = append(all, string(r))
	}
	return all
}

func TestReprIsPythons(t *testing.T) {
	for i, want := range says(t, "repr", texts()) {
		if got := Repr(texts()[i]); got != want {
			t.Errorf("%q: %s, Python says %s", texts()[i], got, want)
		}
	}
}

func TestJSONIsPythons(t *testing.T) {
	for i, want := range says(t, "dumps", texts()) {
		if text := texts()[i]; text == "\x7f" || strings.Contains(text, "\x7f") {
			want = strings.ReplaceAll(want, "\x7f", `\u007f`) // escaped here, which is the same text
		}
		if got := JSON(texts()[i]); got != want {
			t.Errorf("%q: %s, Python says %s", texts()[i], got, want)
		}
	}
}

func TestFloatIsPythons(t *testing.T) {
	numbers := []float64{
		0, 1, -1, 0.1, 1.0 / 3, 2.0 / 3, 100, 1e-4, 9.99e-5, 1e-5, 1.5e-7, 1e15, 123456789012345680, 1e16, 1e17, 1.5e300, 5e-324,
		math.MaxFloat64, 1e22,
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		if f := math.Float64frombits(random.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
			numbers = append(numbers, f)
		}
		numbers = append(numbers, random.Float64(), math.Round(random.Float64()*1e6)/1e3)
	}
	for i, want := range says(t, "float", numbers) {
		if got := Float(numbers[i]); got != want {
			t.Errorf("%v: %s, Python says %s", numbers[i], got, want)
		}
	}
	for f, want := range map[float64]string{math.Inf(1): "inf", math.Inf(-1): "-inf"} {
		if got := Float(f); got != want {
			t.Errorf("%v: %s", f, got)
		}
	}
	if got := Float(math.NaN()); got != "nan" {
		t.Errorf("NaN: %s", got)
	}
}

func TestExceptionIsPythons(t *testing.T) {
	var questions [][2]any
	for i, text := range texts() {
		questions = append(questions, [2]any{text, float64(i) / 8})
	}
	for i, want := range says(t, "exception", questions) {
		text, number := questions[i][0].(string), questions[i][1].(float64)
		inner := errors.New(Exception("KeyError", text))
		if got := Exception("ValueError", 5, text, number, inner); got != want {
			t.Errorf("%q: %s, Python says %s", text, got, want)
		}
	}
	if got := Exception("CancelledError"); got != "CancelledError()" {
		t.Error(got)
	}
}

// Every code point is printable here if and only if it is in Python, but for those
// that have a character in Go's version of Unicode only.
func TestPrintableLikePython(t *testing.T) {
	kinds := strings.TrimSuffix(string(pythontest.Run(t, nil, "testdata/printable.py")), "\n")
	if len(kinds) != unicode.MaxRune+1 {
		t.Fatalf("%d code points", len(kinds))
	}
	newer := 0
	for c, kind := range kinds {
		printable := Repr(string(rune(c))) == "'"+string(rune(c))+"'"
		switch {
		case kind == 's', c == '\'', c == '\\': // no code points of a string; quoted
		case kind == 'u' && printable:
			newer++
		case printable != (kind == 'p'):
			t.Errorf("U+%04X: printable %v, Python says %c", c, printable, kind)
		}
	}
	if newer > 6000 {
		t.Errorf("%d characters that Python does not know", newer)
	}
}

func FuzzRepr(f *testing.F) {
	f.Add("it's")
	f.Add("\xff\"'\\\n")
	f.Fuzz(func(t *testing.T, text string) {
		repr := Repr(text)
		if !strings.ContainsRune(`'"`, rune(repr[0])) || len(repr) < 2 || repr[0] != repr[len(repr)-1] || strings.ContainsAny(repr, "\n\r\t\x00") {
			t.Fatalf("%q: %s", text, repr)
		}
		if quoted := JSON(text); quoted[0] != '"' || strings.ContainsFunc(quoted, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q: %s", text, quoted)
		}
	})
}
