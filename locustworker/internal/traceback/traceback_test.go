package traceback

import (
	"errors"
	"strings"
	"testing"
)

func failing() { panic(errFailed) }

var errFailed = errors.New("failed")

func TestGuard(t *testing.T) {
	if err := Guard(func() error { return nil }); err != nil {
		t.Error(err)
	}
	if err := Guard(func() error { return errFailed }); err != errFailed { //nolint:errorlint // the very error
		t.Errorf("%v, want the function's own error", err)
	}
	err := Guard(func() error { failing(); return nil })
	var p *PanicError
	if !errors.As(err, &p) || !errors.Is(err, errFailed) || err.Error() != "panic: failed" {
		t.Fatalf("%#v, want a panic that wraps its value", err)
	}
}

func TestTraceIsThatOfUserCode(t *testing.T) {
	err := Guard(func() error {
		return errors.New(strings.Map(func(rune) rune { panic("in a library") }, "x"))
	})
	var p *PanicError
	if !errors.As(err, &p) {
		t.Fatal(err)
	}
	if !strings.HasPrefix(p.Trace, "  File ") || !strings.HasSuffix(p.Trace, "\n") || !strings.Contains(p.Trace, "in strings.Map\n") {
		t.Errorf("%q, want lines as of Python's format_tb", p.Trace)
	}
	if strings.Contains(p.Trace, "runtime.") || strings.Contains(p.Trace, "Guard\n") {
		t.Errorf("%q has frames of the runtime or of Guard", p.Trace)
	}
}

func TestSite(t *testing.T) {
	if got := Site(failing); !strings.Contains(got, "traceback_test.go\", line ") || !strings.HasSuffix(got, ".failing\n") {
		t.Errorf("%q", got)
	}
	for _, none := range []any{nil, 5, (func())(nil)} {
		if got := Site(none); got != "" {
			t.Errorf("%v: %q, want nothing", none, got)
		}
	}
}
