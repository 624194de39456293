package logline

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"unicode/utf8"
)

const (
	// bookRecords is how many records a Locust worker keeps (LogReader in
	// locust/log.py).
	bookRecords = 500
	// bookRecordBytes is what a record is cut to, so that a book holds 4 MB at
	// most: a report of the log is always the whole book.
	bookRecordBytes = 8 << 10
)

// A Book keeps the last records of the worker's log as the master's web UI
// shows them. It is safe for concurrent use.
type Book struct {
	format format

	mu    sync.Mutex
	ring  []string // the record numbered n is at n % bookRecords
	total int64
}

// NewBook returns an empty book whose records name that host.
func NewBook(hostname string) *Book {
	return &Book{format: newFormat(hostname)}
}

// Handler returns a handler that writes what next is enabled for into the book
// and hands it on to next. One book may serve several handlers.
func (b *Book) Handler(next slog.Handler) slog.Handler {
	return bookHandler{book: b, format: b.format, next: next}
}

// Lines returns the last 500 records, the oldest first, each without a line break
// at its end; a record of several lines is one item. The slice is the caller's.
func (b *Book) Lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := make([]string, 0, len(b.ring))
	if len(b.ring) < bookRecords {
		return append(lines, b.ring...)
	}
	oldest := int(b.total % bookRecords)
	return append(append(lines, b.ring[oldest:]...), b.ring[:oldest]...)
}

// Total returns how many records were ever added.
func (b *Book) Total() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total
}

func (b *Book) add(record string) {
	record = cutRecord(record)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ring) < bookRecords {
		b.ring = append(b.ring, record)
	} else {
		b.ring[b.total%bookRecords] = record
	}
	b.total++
}

// cutRecord shortens a record to bookRecordBytes and a note of what is missing.
func cutRecord(record string) string {
	if len(record) <= bookRecordBytes {
		return record
	}
	end := bookRecordBytes
	for !utf8.RuneStart(record[end]) {
		end--
	}
	return fmt.Sprintf("%s [%d bytes more]", record[:end], len(record)-end)
}

// A bookHandler tees into a book.
type bookHandler struct {
	book   *Book
	format format
	next   slog.Handler
}

var _ slog.Handler = bookHandler{}

// Enabled implements slog.Handler.
func (h bookHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (h bookHandler) Handle(ctx context.Context, r slog.Record) error {
	h.book.add(h.format.record(r))
	return h.next.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h bookHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.format, h.next = h.format.withAttrs(attrs), h.next.WithAttrs(attrs)
	return h
}

// WithGroup implements slog.Handler.
func (h bookHandler) WithGroup(name string) slog.Handler {
	h.format, h.next = h.format.withGroup(name), h.next.WithGroup(name)
	return h
}
