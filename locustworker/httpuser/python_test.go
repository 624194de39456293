package httpuser

import (
	"testing"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// python runs a command of testdata/texts.py.
func python(t testing.TB, command string, in, out any) {
	t.Helper()
	pythontest.Ask(t, in, out, "testdata/texts.py", command)
}

func TestPyReprIsPythons(t *testing.T) {
	texts := []string{
		"", "plain", "it's", `say "x"`, `both ' and "`, `back\slash`, "tab\tnl\ncr\rnul\x00del\x7f",
		"\u00a0\u00ad\u0378 é ß € 漢字 \U0001f600", "\u200b\u2028\ufeff\ue000", "\U000e0001\U0010ffff",
	}
	for r := rune(0); r < 0x870; r++ { // beyond, Go's Unicode has letters that Python 3.11's has not
		texts = append(texts, string(r))
	}
	var want []string
	python(t, "repr", texts, &want)
	for i, text := range texts {
		if got := pyRepr(text); got != want[i] {
			t.Errorf("%q: %s, Python says %s", text, got, want[i])
		}
	}
}
