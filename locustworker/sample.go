package locustworker

import (
	"time"
	"unicode/utf8"
)

// A Sample is one finished request of any protocol: one row's worth of what
// Locust's request event carries.
type Sample struct {
	// Type is the row's method column: GET, PUT, or a protocol's own word.
	Type string
	// Name is the row's name. Keep names few: each one is a row, and there are
	// Config.MaxRows of them.
	Name string
	// ResponseTime is how long the request took. It is kept in nanoseconds and
	// reported in milliseconds with its fraction. Negative counts as 0.
	ResponseTime time.Duration
	// NoTime says that the request has no response time (Locust's None): it is
	// counted, and no time of it enters the row's figures.
	NoTime bool
	// Length is the response's size in bytes after decompression.
	Length int64
	// Err is nil for a success. Its text is the failure's row, as it stands, so it
	// should not hold ids: texts that differ are different rows. Of a NetworkError,
	// and of a text of more than 512 bytes, addresses, ports and long numbers are
	// replaced, unless Config.ExactErrors is set.
	Err error
	// Context is for the Request event alone, which gets it as it is (the context
	// of Locust's request event).
	Context map[string]any
}

// A NetworkError is an error whose text a protocol client made, and no author of a
// test: it may hold addresses, ports and ids, which are replaced in the failure's
// row, because each would make a row. A net.Error is taken for one, too. An error
// that wraps one is not: its text is its author's.
type NetworkError interface {
	error
	// NetworkError marks the error; it does nothing.
	NetworkError()
}

// errorText is what the failures table shows: the error's own text, made valid
// UTF-8, as Locust shows a str and not as it shows an exception's repr.
func errorText(err error) string {
	text := err.Error()
	if text == "" {
		return "error without a text"
	}
	if !utf8.ValidString(text) {
		return string([]rune(text))
	}
	return text
}
