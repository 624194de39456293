package redisstore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bandwing/bandwing/api"
)

// RedisJSON 2.8 has no path to some names of members: see api.Path.Whole. What is at such a path is read and changed with
// the whole document, which costs more and says the same.

// getWhole reads the document of a key and finds the value at a path in it: document[from:to].
func (s *Store) getWhole(ctx context.Context, at target) (document []byte, from, to int, err error) {
	document, err = s.Get(ctx, at.key, api.Path{})
	if err != nil {
		return nil, 0, 0, err
	}
	from, to, err = at.path.Locate(document)
	if err != nil {
		err = at.notFound()
	}
	return document, from, to, err
}

// fieldsWhole returns the names of the members of the object at a path.
func (s *Store) fieldsWhole(ctx context.Context, at target) ([][]string, error) {
	document, from, to, err := s.getWhole(ctx, at)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(document[from:to]))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return nil, at.wrongType("an object")
	}
	names := []string{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("redisstore: JSON.GET of key %.100q: %w", at.key, err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("redisstore: JSON.GET of key %.100q: %w", at.key, err)
		}
		names = append(names, fmt.Sprint(name))
	}
	return [][]string{names}, nil
}

// changeWhole replaces the document of a key by what change makes of it, and returns the new one. Nobody's change is lost:
// when the document has changed meanwhile, change is called again with the new one.
func (s *Store) changeWhole(ctx context.Context, at target, change func(document []byte, from, to int) ([]byte, error)) (json.RawMessage, error) {
	var changed []byte
	err := s.retry(ctx, at.key, func() (bool, error) {
		document, from, to, err := s.getWhole(ctx, at)
		if err != nil {
			return false, err
		}
		edited, err := change(document, from, to)
		if err != nil {
			return false, err
		}
		cmd, err := s.run(ctx, s.scripts.swapJSON, at, max(len(document), len(edited)), s.root(), s.matches(document), edited)
		if err != nil {
			return false, err
		}
		text, done := cmd.Val().(string)
		changed = s.value([]byte(text))
		return done, nil
	})
	return changed, err
}

// matches is the opposite of value: the reply of JSON.GET at the root for a document.
func (s *Store) matches(document []byte) []byte {
	if s.legacy {
		return document
	}
	return bytes.Join([][]byte{[]byte("["), document, []byte("]")}, nil)
}

// retry calls try until it is done or fails, for editTimeout. One of several that work on a key at once gets through each
// time.
func (s *Store) retry(ctx context.Context, key string, try func() (done bool, err error)) error {
	deadline := time.Now().Add(s.editTimeout)
	for pause := time.Millisecond / 4; ; pause = min(2*pause, maxEditPause) {
		if done, err := try(); done || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: key %.100q was changed by others all the time for %v", api.ErrUnavailable, key, s.editTimeout)
		}
		if err := sleep(ctx, rand.N(pause)); err != nil {
			return fmt.Errorf("redisstore: %w", err)
		}
	}
}

// splice returns a new document with value in place of document[from:to].
func splice(document []byte, from, to int, value []byte) []byte {
	return bytes.Join([][]byte{document[:from], value, document[to:]}, nil)
}

// without returns a new document without the element, or the member, whose value is document[from:to]. RedisJSON writes no
// spaces between values.
func without(document []byte, from, to int) []byte {
	if document[from-1] == ':' {
		from = nameBefore(document, from-1)
	}
	switch {
	case document[from-1] == ',':
		from--
	case document[to] == ',':
		to++
	}
	return splice(document, from, to, nil)
}

// nameBefore returns where the string begins that ends before document[end]. In a string a quote has an odd number of
// backslashes before it; what begins a name is { or a comma.
func nameBefore(document []byte, end int) int {
	for i := end - 2; ; i-- {
		if document[i] != '"' {
			continue
		}
		backslashes := 0
		for document[i-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return i
		}
	}
}

// modifyWhole is modify for a path that RedisJSON has not. command is that of a change that RedisJSON would do.
func (s *Store) modifyWhole(ctx context.Context, command string, at target, want string, values []json.RawMessage) (json.RawMessage, error) {
	return s.changeWhole(ctx, at, func(document []byte, from, to int) ([]byte, error) {
		old := document[from:to]
		switch kind := old[0]; {
		case command == strAppend && kind == '"':
			joined := bytes.Join([][]byte{old[:len(old)-1], values[0][1:]}, nil)
			return splice(document, from, to, joined), nil
		case command == arrAppend && kind == '[':
			var elements []byte
			for i, value := range values {
				if i > 0 || len(old) > len("[]") {
					elements = append(elements, ',')
				}
				elements = append(elements, value...)
			}
			return splice(document, to-1, to-1, elements), nil
		case (command == numIncrBy || command == numMultBy) && (kind == '-' || '0' <= kind && kind <= '9'):
			number, err := calculate(command, string(old), string(values[0]))
			if err != nil {
				return nil, at.outOfRange(err)
			}
			return splice(document, from, to, []byte(number)), nil
		}
		return nil, at.wrongType(want)
	})
}
