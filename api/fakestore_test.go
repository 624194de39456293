package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fakeStore notes its calls as text and answers each with what it was given.
type fakeStore struct {
	json   string      // what Get, GetString, GetHashField and the Modifier methods return
	fields [][]string  // what Fields returns
	keys   []string    // what Keys returns
	hash   []HashField // what GetHash and UpdateHash return
	err    error       // what all return instead
	panics any

	// hold makes each call wait until it is closed or the context ends, after it was announced in entered.
	hold    chan struct{}
	entered chan struct{}

	mu    sync.Mutex
	calls []string
}

func (f *fakeStore) call(ctx context.Context, format string, args ...any) error {
	f.mu.Lock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	f.mu.Unlock()
	if f.panics != nil {
		panic(f.panics)
	}
	if f.hold != nil {
		f.entered <- struct{}{}
		select {
		case <-f.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return f.err
}

// write is call for what stores a value: as RedisJSON it refuses one that is not JSON.
func (f *fakeStore) write(ctx context.Context, value json.RawMessage, format string, args ...any) error {
	if !json.Valid(value) {
		return fmt.Errorf("%w: not JSON", ErrInvalid)
	}
	return f.call(ctx, format, args...)
}

func (f *fakeStore) Get(ctx context.Context, key string, path Path) (json.RawMessage, error) {
	err := f.call(ctx, "Get %q %s", key, path)
	return json.RawMessage(f.json), err
}

func (f *fakeStore) Fields(ctx context.Context, key string, path Path) ([][]string, error) {
	err := f.call(ctx, "Fields %q %s", key, path)
	return f.fields, err
}

func (f *fakeStore) Keys(ctx context.Context, prefix string, limit int) ([]string, error) {
	err := f.call(ctx, "Keys %q %d", prefix, limit)
	return f.keys, err
}

func (f *fakeStore) Set(ctx context.Context, key string, document json.RawMessage) error {
	return f.write(ctx, document, "Set %q %s", key, document)
}

func (f *fakeStore) Update(ctx context.Context, key string, path Path, value json.RawMessage) error {
	return f.write(ctx, value, "Update %q %s %s", key, path, value)
}

func (f *fakeStore) Delete(ctx context.Context, key string, path Path) error {
	return f.call(ctx, "Delete %q %s", key, path)
}

func (f *fakeStore) AppendString(ctx context.Context, key string, path Path, text json.RawMessage) (json.RawMessage, error) {
	err := f.write(ctx, text, "AppendString %q %s %s", key, path, text)
	return json.RawMessage(f.json), err
}

func (f *fakeStore) AppendArray(ctx context.Context, key string, path Path, elements []json.RawMessage) (json.RawMessage, error) {
	for _, element := range elements {
		if !json.Valid(element) {
			return nil, fmt.Errorf("%w: not JSON", ErrInvalid)
		}
	}
	err := f.call(ctx, "AppendArray %q %s %s", key, path, elements)
	return json.RawMessage(f.json), err
}

func (f *fakeStore) IncrBy(ctx context.Context, key string, path Path, num json.RawMessage) (json.RawMessage, error) {
	err := f.write(ctx, num, "IncrBy %q %s %s", key, path, num)
	return json.RawMessage(f.json), err
}

func (f *fakeStore) MultBy(ctx context.Context, key string, path Path, num json.RawMessage) (json.RawMessage, error) {
	err := f.write(ctx, num, "MultBy %q %s %s", key, path, num)
	return json.RawMessage(f.json), err
}

func (f *fakeStore) SetString(ctx context.Context, key string, text []byte) error {
	return f.call(ctx, "SetString %q %s", key, text)
}

func (f *fakeStore) GetString(ctx context.Context, key string) ([]byte, error) {
	err := f.call(ctx, "GetString %q", key)
	return []byte(f.json), err
}

func (f *fakeStore) EditString(ctx context.Context, key string, edit func([]byte) ([]byte, error)) ([]byte, error) {
	text, err := edit([]byte(f.json))
	if err != nil {
		return nil, err
	}
	return text, f.call(ctx, "EditString %q %s", key, text)
}

func (f *fakeStore) SetHash(ctx context.Context, key string, fields []HashField) error {
	return f.call(ctx, "SetHash %q %q", key, fields)
}

func (f *fakeStore) GetHash(ctx context.Context, key string) ([]HashField, error) {
	return f.hash, f.call(ctx, "GetHash %q", key)
}

func (f *fakeStore) GetHashField(ctx context.Context, key, name string) (string, error) {
	return f.json, f.call(ctx, "GetHashField %q %q", key, name)
}

func (f *fakeStore) UpdateHash(ctx context.Context, key string, field HashField) ([]HashField, error) {
	return f.hash, f.call(ctx, "UpdateHash %q %q", key, field)
}

// Ready does not wait for hold.
func (f *fakeStore) Ready(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "Ready")
	return f.err
}

func newServer(t *testing.T, cfg Config, store Store) *Server {
	t.Helper()
	s, err := New(cfg, store)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends one request, without a network, and returns the response and its body. It panics when a Server does not
// keep its contract.
func ask(s http.Handler, method, target, body string) (*http.Response, string) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, httptest.NewRequest(method, target, reader))
	resp := rec.Result()
	if server, ok := s.(*Server); ok {
		if fault := contractFault(server, method, target, resp, rec.Body.String()); fault != "" {
			panic(method + " " + target + ": " + fault)
		}
	}
	return resp, rec.Body.String()
}
