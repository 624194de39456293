package logline

import (
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	// Critical is Python's level CRITICAL, which slog has no name for.
	Critical = slog.LevelError + 4
	// logTime is Python's default: local time to the millisecond, after a comma.
	logTime = "2006-01-02 15:04:05,000"
	// logName stands where a Python worker has the name of its logger.
	logName = "locustworker"
)

// A format writes records as Locust's logging does (setup_logging in
// locust/log.py):
//
//	[2026-11-23 16:40:10,123] host/LEVEL/locustworker: message key=value
//
// The host is the host's name up to the first dot. Attributes follow as
// key=value, quoted where they hold blanks; one with line breaks stands below,
// indented, and so do the further lines of a message, so that no text can pass
// for a record of its own. The result is valid UTF-8 without control characters.
// A format does not change and is safe for concurrent use.
type format struct {
	host  string
	group string // what keys begin with: "a.b."
	attrs string // of WithAttrs, as they stand on the line
	below string // and below it
}

func newFormat(hostname string) format {
	short, _, _ := strings.Cut(hostname, ".")
	return format{host: short}
}

// record returns the record without a line break at its end.
func (f format) record(r slog.Record) string {
	var b strings.Builder
	if !r.Time.IsZero() {
		b.WriteString(r.Time.Format("[" + logTime + "] "))
	}
	b.WriteString(f.host + "/" + levelName(r.Level) + "/" + logName + ": ")
	b.WriteString(strings.ReplaceAll(printable(strings.TrimRight(r.Message, "\n")), "\n", "\n    "))
	r.Attrs(func(a slog.Attr) bool {
		f.add(f.group, a)
		return true
	})
	b.WriteString(f.attrs)
	b.WriteString(f.below)
	return b.String()
}

func (f format) withAttrs(attrs []slog.Attr) format {
	for _, a := range attrs {
		f.add(f.group, a)
	}
	return f
}

func (f format) withGroup(name string) format {
	if name != "" {
		f.group += name + "."
	}
	return f
}

// add writes an attribute, a group as its members.
func (f *format) add(group string, a slog.Attr) {
	value := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return
	}
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, member := range value.Group() {
			f.add(group, member)
		}
		return
	}
	key := word(group + a.Key)
	text := valueText(value)
	if strings.Contains(text, "\n") {
		lines := printable(strings.TrimRight(text, "\n"))
		f.below += "\n  " + key + ":\n    " + strings.ReplaceAll(lines, "\n", "\n    ")
		return
	}
	f.attrs += " " + key + "=" + word(text)
}

func valueText(v slog.Value) string {
	if v.Kind() == slog.KindTime {
		return v.Time().Format(time.RFC3339Nano)
	}
	return v.String()
}

// word quotes a text unless it reads as one word.
func word(text string) string {
	odd := func(r rune) bool {
		return r == '"' || r == '=' || r == unicode.ReplacementChar || unicode.IsSpace(r) || !unicode.IsPrint(r)
	}
	if text == "" || strings.ContainsFunc(text, odd) {
		return strconv.Quote(strings.ToValidUTF8(text, "\uFFFD"))
	}
	return text
}

// printable keeps line breaks and tabs, and writes other control characters as
// escapes: a record ends up on terminals and in the web UI.
func printable(text string) string {
	odd := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	text = strings.ToValidUTF8(text, "\uFFFD")
	if !strings.ContainsFunc(text, odd) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if odd(r) {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// levelName returns the name of Python's level at or below.
func levelName(l slog.Level) string {
	switch {
	case l >= Critical:
		return "CRITICAL"
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARNING"
	case l >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}
