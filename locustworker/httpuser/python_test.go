package httpuser

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"
)

// python runs testdata/texts.py with the project's Locust.
func python(t testing.TB, command string, in, out any) {
	t.Helper()
	const program = "../../.local/venv/bin/python"
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("no Python with Locust: %v; run make deps", err)
	}
	input, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "testdata/texts.py", command)
	cmd.Stdin = bytes.NewReader(input)
	printed, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	if err := json.Unmarshal(printed, out); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
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
