package api

import (
	"context"
	"encoding/json"
	"errors"
)

// The kinds of failure that a Store reports. It wraps them with %w and adds what was wrong; the text after the
// sentinel's own reaches the client. Any other error is a 500.
var (
	ErrInvalid     = errors.New("api: invalid input")                  // 400
	ErrNotFound    = errors.New("api: not found")                      // 404
	ErrWrongType   = errors.New("api: wrong type")                     // 409
	ErrTooLarge    = errors.New("api: body too large")                 // 413
	ErrMediaType   = errors.New("api: unsupported media type")         // 415
	ErrUnavailable = errors.New("api: Redis cannot serve the request") // 503
)

// Store is what the service needs from the database. Its methods are safe for concurrent use, block no longer than
// the store's own timeouts, and return early when the context ends. Bytes that a Store returns are read only, and a
// Store keeps no bytes it was given after it returned.
//
// A key that does not exist and a path that matches nothing are ErrNotFound, a key that holds no JSON document and a
// value of another type than the operation needs are ErrWrongType. Where a path matches several values, an operation
// succeeds when it applied to at least one.
type Store interface {
	Reader
	Writer
	Modifier
	Strings
	Hashes

	// Ready returns nil when the database answers and understands JSON commands, else ErrUnavailable.
	Ready(ctx context.Context) error
}

// Reader is the part of a Store that changes nothing.
type Reader interface {
	// Get returns the value at the path, or for a path with Many the JSON array of all matches (one at least).
	Get(ctx context.Context, key string, path Path) (json.RawMessage, error)

	// Fields returns the field names of the object at the path. For a path with Many the result has one element
	// for each match, nil for a match that is no object; else it has one element.
	Fields(ctx context.Context, key string, path Path) ([][]string, error)

	// Keys returns up to limit different keys that begin with prefix, in no order.
	Keys(ctx context.Context, prefix string, limit int) ([]string, error)
}

// Writer is the part of a Store that sets and deletes. Documents and values need not be valid JSON: the store checks
// them, except that anything after the first JSON value was already refused.
type Writer interface {
	// Set stores a document and replaces the one that the key had.
	Set(ctx context.Context, key string, document json.RawMessage) error

	// Update replaces what is at the path; it must exist.
	Update(ctx context.Context, key string, path Path, value json.RawMessage) error

	// Delete removes what is at the path; for the root path the key.
	Delete(ctx context.Context, key string, path Path) error
}

// Modifier is the part of a Store that changes a value in place. The result is the whole document right after the
// change, read in the same round trip and with nobody's change in between.
type Modifier interface {
	// AppendString appends text, a JSON string, to the string at the path.
	AppendString(ctx context.Context, key string, path Path, text json.RawMessage) (json.RawMessage, error)

	// AppendArray appends the elements (one at least) to the array at the path.
	AppendArray(ctx context.Context, key string, path Path, elements []json.RawMessage) (json.RawMessage, error)

	// IncrBy adds num, a JSON number, to the number at the path.
	IncrBy(ctx context.Context, key string, path Path, num json.RawMessage) (json.RawMessage, error)

	// MultBy multiplies the number at the path by num, a JSON number.
	MultBy(ctx context.Context, key string, path Path, num json.RawMessage) (json.RawMessage, error)
}

// Strings is the part of a Store for documents that are kept as text, in a Redis string. A key of another Redis type is
// ErrWrongType.
type Strings interface {
	// SetString stores text and replaces the string that the key had.
	SetString(ctx context.Context, key string, text []byte) error

	// GetString returns the text.
	GetString(ctx context.Context, key string) ([]byte, error)

	// EditString replaces the text by what edit makes of it and returns the new one. Nobody's change is lost: when the
	// text has changed meanwhile, edit is called again with the new one. An error of edit ends it and comes back
	// unchanged. When others always come first, for as long as a request may take, that is ErrUnavailable.
	EditString(ctx context.Context, key string, edit func(text []byte) ([]byte, error)) ([]byte, error)
}

// HashField is a field of a Redis hash.
type HashField struct {
	Name  string
	Value string
}

// Hashes is the part of a Store for Redis hashes. A key of another Redis type is ErrWrongType.
type Hashes interface {
	// SetHash stores a hash with these fields (one at least) and replaces the one that the key had.
	SetHash(ctx context.Context, key string, fields []HashField) error

	// GetHash returns all fields, in no order.
	GetHash(ctx context.Context, key string) ([]HashField, error)

	// GetHashField returns the value of one field, ErrNotFound when there is none of that name.
	GetHashField(ctx context.Context, key, name string) (string, error)

	// UpdateHash sets a field, which must exist, and returns the whole hash right after that, with nobody's change in
	// between.
	UpdateHash(ctx context.Context, key string, field HashField) ([]HashField, error)
}
