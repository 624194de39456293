package logline

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
	"unicode"
	"unicode/utf8"
)

// A secretive value says what it wants to have logged.
type secretive struct{}

func (secretive) LogValue() slog.Value { return slog.StringValue("hidden") }

type lineCase struct {
	name    string
	level   slog.Level
	message string
	attrs   []slog.Attr
	want    string
}

func lineCases() []lineCase {
	return []lineCase{
		{"debug", slog.LevelDebug, "m", nil, "DEBUG/locustworker: m"},
		{"info", slog.LevelInfo, "all well", nil, "INFO/locustworker: all well"},
		{"between levels", slog.LevelInfo + 2, "m", nil, "INFO/locustworker: m"},
		{"warning", slog.LevelWarn, "m", nil, "WARNING/locustworker: m"},
		{"error", slog.LevelError, "m", nil, "ERROR/locustworker: m"},
		{"critical", Critical, "m", nil, "CRITICAL/locustworker: m"},
		{"no message", slog.LevelInfo, "", nil, "INFO/locustworker: "},
		{
			"attributes", slog.LevelInfo, "m",
			[]slog.Attr{slog.Int("n", 3), slog.String("empty", ""), slog.String("two", "a b"), slog.Duration("d", time.Second)},
			`INFO/locustworker: m n=3 empty="" two="a b" d=1s`,
		},
		{
			"odd values", slog.LevelInfo, "m",
			[]slog.Attr{slog.Any("error", errors.New("x=1")), slog.Any("v", secretive{}), slog.Any("nil", nil), slog.Any("list", []int{1, 2}), {}},
			`INFO/locustworker: m error="x=1" v=hidden nil=<nil> list="[1 2]"`,
		},
		{
			"time", slog.LevelInfo, "m",
			[]slog.Attr{slog.Time("at", time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC))},
			"INFO/locustworker: m at=2026-01-02T03:04:05.0000006Z",
		},
		{
			"groups", slog.LevelInfo, "m",
			[]slog.Attr{slog.Group("a", slog.Int("x", 1), slog.Group("b", slog.Int("y", 2))), slog.Group("none"), slog.Group("", slog.Int("z", 3))},
			"INFO/locustworker: m a.x=1 a.b.y=2 z=3",
		},
		{
			"lines of a message", slog.LevelInfo, "one\n[2026-11-23 16:40:10,123] forged/ERROR/x: y\n", nil,
			"INFO/locustworker: one\n    [2026-11-23 16:40:10,123] forged/ERROR/x: y",
		},
		{
			"lines of a value", slog.LevelError, "broken",
			[]slog.Attr{slog.String("trace", "  File \"a.go\"\n  File \"b.go\"\n"), slog.Int("n", 1), slog.String("end", "one line\n")},
			"ERROR/locustworker: broken n=1\n  trace:\n      File \"a.go\"\n      File \"b.go\"\n  end:\n    one line",
		},
		{"control characters", slog.LevelInfo, "a\x1b[31mb\rc\u0085d\te\x00", nil, `INFO/locustworker: a\x1b[31mb\rc\u0085d` + "\te" + `\x00`},
		{
			"not UTF-8", slog.LevelInfo, "a\xffb",
			[]slog.Attr{slog.String("k\xff", "v\xfe"), slog.String("l", "1\n\xff")},
			"INFO/locustworker: a\uFFFDb \"k\uFFFD\"=\"v\uFFFD\"\n  l:\n    1\n    \uFFFD",
		},
		{"letters of others", slog.LevelInfo, "für 漢字", []slog.Attr{slog.String("ключ", "значение")}, "INFO/locustworker: für 漢字 ключ=значение"},
	}
}

// Conformance: N6
func TestLineFormat(t *testing.T) {
	at := time.Date(2026, 11, 23, 16, 40, 10, 123_999_999, time.Local)
	const prefix = "[2026-11-23 16:40:10,123] box/"
	for _, test := range lineCases() {
		t.Run(test.name, func(t *testing.T) {
			r := slog.NewRecord(at, test.level, test.message, 0)
			r.AddAttrs(test.attrs...)
			if got := newFormat("box.example.org").record(r); got != prefix+test.want {
				t.Errorf("got\n%q, want\n%q", got, prefix+test.want)
			}
		})
	}
}

func TestLineHandlerWritesLines(t *testing.T) {
	var out bytes.Buffer
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn)
	log := slog.New(NewHandler(&out, "box", level))
	log.Info("unseen")
	log.Warn("one")
	level.Set(slog.LevelInfo)
	log.With("a", 1).WithGroup("g").With("b", 2).WithGroup("").Info("two", "c", 3)
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || lines[2] != "" || !strings.HasSuffix(lines[0], "box/WARNING/locustworker: one") ||
		!strings.HasSuffix(lines[1], "box/INFO/locustworker: two a=1 g.b=2 g.c=3") {
		t.Errorf("got %q", out.String())
	}
	if _, err := time.ParseInLocation("[2006-01-02 15:04:05.000]", strings.Replace(lines[0][:25], ",", ".", 1), time.Local); err != nil {
		t.Error(err)
	}
}

// lineFields reads a line back into what slogtest wants to see.
func lineFields(t *testing.T, line string) map[string]any {
	t.Helper()
	fields := map[string]any{}
	if strings.HasPrefix(line, "[") {
		fields[slog.TimeKey], line, _ = strings.Cut(line, "] ")
	}
	head, rest, _ := strings.Cut(line, ": ")
	fields[slog.LevelKey] = strings.Split(head, "/")[1]
	words := strings.Split(rest, " ")
	fields[slog.MessageKey] = words[0]
	for _, pair := range words[1:] {
		key, value, _ := strings.Cut(pair, "=")
		at := fields
		groups := strings.Split(key, ".")
		for _, group := range groups[:len(groups)-1] {
			if at[group] == nil {
				at[group] = map[string]any{}
			}
			at = at[group].(map[string]any)
		}
		at[groups[len(groups)-1]] = value
	}
	return fields
}

func TestHandlersKeepSlogsRules(t *testing.T) {
	for name, handler := range map[string]func(out *bytes.Buffer, book *Book) slog.Handler{
		"line": func(out *bytes.Buffer, _ *Book) slog.Handler { return NewHandler(out, "box", slog.LevelDebug) },
		"book": func(out *bytes.Buffer, book *Book) slog.Handler {
			return book.Handler(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out *bytes.Buffer
			var book *Book
			slogtest.Run(t, func(*testing.T) slog.Handler {
				out, book = new(bytes.Buffer), NewBook("box")
				return handler(out, book)
			}, func(t *testing.T) map[string]any {
				if name == "book" {
					return lineFields(t, book.Lines()[0])
				}
				return lineFields(t, strings.TrimSuffix(out.String(), "\n"))
			})
		})
	}
}

func FuzzLineFormat(f *testing.F) {
	f.Add("m", "k", "v")
	f.Add("two\nlines\n", "a b", "c\nd")
	f.Add("\xff\x1b[0m", "=", "\r\n")
	f.Fuzz(func(t *testing.T, message, key, value string) {
		r := slog.NewRecord(time.Unix(0, 0), slog.LevelInfo, message, 0)
		r.AddAttrs(slog.String(key, value))
		got := newFormat("box").record(r)
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		for i, line := range strings.Split(got, "\n") {
			if i > 0 && !strings.HasPrefix(line, "  ") {
				t.Fatalf("%q has a line that could be a record", got)
			}
			if strings.ContainsFunc(line, func(c rune) bool { return unicode.IsControl(c) && c != '\t' }) {
				t.Fatalf("%q has control characters", got)
			}
		}
	})
}
