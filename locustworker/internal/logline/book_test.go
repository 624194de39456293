package logline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// message cuts a record's head off.
func message(t *testing.T, record string) string {
	t.Helper()
	_, text, found := strings.Cut(record, "/locustworker: ")
	if !found {
		t.Fatalf("%q has no head", record)
	}
	return text
}

func messages(t *testing.T, b *Book) []string {
	t.Helper()
	var all []string
	for _, record := range b.Lines() {
		all = append(all, message(t, record))
	}
	return all
}

func TestLogBookTeesWhatIsEnabled(t *testing.T) {
	var out strings.Builder
	book := NewBook("box.local")
	log := slog.New(book.Handler(NewHandler(&out, "box.local", slog.LevelInfo)))
	log.Debug("unseen")
	log.Info("one\nand its second line")
	log.With("a", 1).WithGroup("g").Error("two", "b", 2)
	want := []string{"one\n    and its second line", "two a=1 g.b=2"}
	if got := messages(t, book); !slices.Equal(got, want) || book.Total() != 2 {
		t.Errorf("got %q of %d, want %q", got, book.Total(), want)
	}
	if lines := strings.Join(book.Lines(), "\n") + "\n"; lines != out.String() {
		t.Errorf("the book says\n%s, the log\n%s", lines, out.String())
	}
}

// Conformance: N4
func TestLogBookKeepsTheLast500(t *testing.T) {
	book := NewBook("box")
	log := slog.New(book.Handler(NewHandler(io.Discard, "box", slog.LevelInfo)))
	if got := book.Lines(); len(got) != 0 || book.Total() != 0 {
		t.Fatalf("a new book holds %q", got)
	}
	for _, upTo := range []int{1, 499, 500, 501, 999, 1000, 1733} {
		for book.Total() < int64(upTo) {
			log.Info(fmt.Sprint(book.Total()))
		}
		got := messages(t, book)
		var want []string
		for n := max(0, upTo-500); n < upTo; n++ {
			want = append(want, fmt.Sprint(n))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("after %d records: %d of them, %v ... %v", upTo, len(got), got[0], got[len(got)-1])
		}
	}
}

func TestLogBookGivesCopies(t *testing.T) {
	book := NewBook("box")
	log := slog.New(book.Handler(NewHandler(io.Discard, "box", slog.LevelInfo)))
	log.Info("kept")
	book.Lines()[0] = "spoilt"
	_ = append(book.Lines(), "more")
	log.Info("added")
	if got, want := messages(t, book), []string{"kept", "added"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLogBookCutsLongRecords(t *testing.T) {
	book := NewBook("box")
	log := slog.New(book.Handler(NewHandler(io.Discard, "box", slog.LevelInfo)))
	for length := bookRecordBytes - 100; length < bookRecordBytes+10; length++ {
		log.Info(strings.Repeat("é", length/2) + strings.Repeat("x", length%2))
		record := book.Lines()[book.Total()-1]
		if len(record) > bookRecordBytes+len(" [1000 bytes more]") || !utf8.ValidString(record) {
			t.Fatalf("a message of %d bytes became %d, valid: %t", length, len(record), utf8.ValidString(record))
		}
		kept, note, cut := strings.Cut(record, " [")
		whole := len("[2026-11-23 16:40:10,123] box/INFO/locustworker: ") + length
		if cut != (whole > bookRecordBytes) {
			t.Fatalf("a record of %d bytes was cut: %t", whole, cut)
		}
		if more := fmt.Sprintf("%d bytes more]", whole-len(kept)); cut && note != more {
			t.Fatalf("a record of %d bytes ends in %q, want %q", whole, note, more)
		}
	}
}

// A refusing handler fails.
type refusing struct{ slog.Handler }

func (refusing) Handle(context.Context, slog.Record) error { return errors.New("disk full") }

func TestLogBookKeepsWhatNextRefuses(t *testing.T) {
	book := NewBook("box")
	h := book.Handler(refusing{NewHandler(io.Discard, "box", slog.LevelInfo)})
	err := h.Handle(t.Context(), slog.Record{Message: "m"})
	if err == nil || err.Error() != "disk full" || book.Total() != 1 {
		t.Errorf("got %v and %d records", err, book.Total())
	}
}

func TestLogBookTakesAllAtOnce(t *testing.T) {
	book := NewBook("box")
	log := slog.New(book.Handler(NewHandler(io.Discard, "box", slog.LevelInfo)))
	var wg sync.WaitGroup
	for writer := range 8 {
		wg.Go(func() {
			mine := log.With("writer", writer)
			for n := range 200 {
				mine.Info("m", "n", n)
				if lines := book.Lines(); len(lines) == 0 || len(lines) > bookRecords {
					t.Errorf("%d lines", len(lines))
				}
			}
		})
	}
	wg.Wait()
	if book.Total() != 1600 || len(book.Lines()) != bookRecords {
		t.Errorf("%d records, %d lines", book.Total(), len(book.Lines()))
	}
	last := map[string]int{} // each writer's records stand in order
	for _, text := range messages(t, book) {
		var writer, n int
		if _, err := fmt.Sscanf(text, "m writer=%d n=%d", &writer, &n); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		key := fmt.Sprint(writer)
		if before, seen := last[key]; seen && n != before+1 {
			t.Errorf("writer %d: %d after %d", writer, n, before)
		}
		last[key] = n
	}
}
