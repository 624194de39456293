package redisjson

import (
	"context"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
)

// A kind is the shape of a document, known by its key's prefix.
type kind uint8

const (
	flat kind = iota
	nested
	complexKind
	kinds
)

// prefixes are the keys' prefixes by kind. None is the beginning of another.
var prefixes = [kinds]string{"basicUser:", "user:", "complex:"}

// kindOf tells a key's kind; ok is false for keys that are none of ours.
func kindOf(key string) (k kind, ok bool) {
	for k, prefix := range prefixes {
		if strings.HasPrefix(key, prefix) {
			return kind(k), true
		}
	}
	return 0, false
}

// A document is one that exists, as far as is known.
type document struct {
	key    string
	path   string // the key, escaped for a URL
	quoted string // the key as a JSON string
	kind   kind
}

// A pool is the documents that the users of a process work on. The first user
// fills it, and again after there were none, which is how a new test run looks.
// It never holds more keys than were found and may be written.
type pool struct {
	mu      sync.RWMutex
	users   int
	filled  bool
	filling chan struct{} // closed when the fill that is running ends
	known   map[string]int
	byKind  [kinds][]document
}

func newPool() *pool {
	return &pool{known: make(map[string]int)}
}

// join counts a user in until its context ends.
func (p *pool) join(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users == 0 {
		p.filled = false
		p.known = make(map[string]int)
		p.byKind = [kinds][]document{}
	}
	p.users++
	context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.users--
	})
}

// fill calls fetch unless another user has. It blocks while another one is
// fetching, until ctx is done. A fetch that ends with an error is left to the
// next user.
func (p *pool) fill(ctx context.Context, fetch func() error) error {
	for {
		p.mu.Lock()
		if p.filled {
			p.mu.Unlock()
			return nil
		}
		running := p.filling
		if running == nil {
			break
		}
		p.mu.Unlock()
		select {
		case <-running:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	done := make(chan struct{})
	p.filling = done
	p.mu.Unlock()

	err := fetch()

	p.mu.Lock()
	defer p.mu.Unlock()
	p.filled = err == nil
	p.filling = nil
	close(done)
	return err
}

// add makes a document known. Keys that are none of ours are ignored.
func (p *pool) add(key string) {
	k, ok := kindOf(key)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.known[key]; ok {
		return
	}
	p.known[key] = len(p.byKind[k])
	p.byKind[k] = append(p.byKind[k], document{key, url.PathEscape(key), string(appendQuoted(nil, key)), k})
}

// drop forgets a document that is gone.
func (p *pool) drop(d document) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.known[d.key]
	if !ok {
		return
	}
	list := p.byKind[d.kind]
	last := len(list) - 1
	list[i] = list[last]
	p.known[list[i].key] = i
	delete(p.known, d.key)
	list[last] = document{}
	p.byKind[d.kind] = list[:last]
}

// pick draws a document evenly from those of the given kinds; ok is false when
// there is none.
func (p *pool) pick(r *rand.Rand, of ...kind) (d document, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	total := 0
	for _, k := range of {
		total += len(p.byKind[k])
	}
	if total == 0 {
		return document{}, false
	}
	n := r.IntN(total)
	for _, k := range of {
		if list := p.byKind[k]; n < len(list) {
			return list[n], true
		}
		n -= len(p.byKind[k])
	}
	panic("unreachable: n < total")
}
