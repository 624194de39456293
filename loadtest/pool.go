package loadtest

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
)

// A kind is the shape of a document, known by its key's prefix.
type kind uint8

const (
	flat        kind = iota // a random user, as JSON
	nested                  // a random user with objects and arrays
	complexKind             // the static document, as JSON
	text                    // the static document, as a string
	hash                    // a random user, as a hash
	kinds
)

// prefixes are the keys' prefixes by kind. None is the beginning of another.
var prefixes = [kinds]string{"basicUser:", "user:", "complex:", "complexString:", "hashUser:"}

// loaders are the classes that write documents of a kind.
var loaders = [kinds]string{"RandomJSON", "NestedJSON", "JSONSet", "JSONSet", "HashVsJSONPost"}

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

// A pool is the documents that the users of a process work on: the worker's
// share of those that the master found, and what its users have written since.
// It never holds more keys than that. It is safe for concurrent use.
type pool struct {
	mu     sync.RWMutex
	run    string // that the documents belong to
	known  map[string]int
	byKind [kinds][]document
}

func newPool() *pool {
	return &pool{known: make(map[string]int)}
}

// begin drops the documents of another run. The share of this one may have
// come before, or comes later.
func (p *pool) begin(run string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if run != "" && run == p.run {
		return
	}
	p.run = run
	p.known = make(map[string]int)
	p.byKind = [kinds][]document{}
}

// take begins a run, if that has not been done, with the keys of its share.
func (p *pool) take(run string, keys []string) {
	p.begin(run)
	for _, key := range keys {
		p.add(key)
	}
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
	p.byKind[k] = append(p.byKind[k], newDocument(key, k))
}

func newDocument(key string, k kind) document {
	return document{key, url.PathEscape(key), string(appendQuoted(nil, key)), k}
}

// drop removes a document that is gone.
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

// size is how many documents are known.
func (p *pool) size() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.known)
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
