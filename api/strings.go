package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// postString stores the body as text. Nobody else looks at what is in it, so it is checked as a whole here.
func (s *Server) postString(c *gin.Context) (result, error) {
	body, err := s.readBody(c)
	if err != nil {
		return result{}, err
	}
	text := bytes.TrimSpace(body)
	if err := checkDocument(text); err != nil {
		return result{}, err
	}
	key, err := documentKey(text, "stringJSON:")
	if err != nil {
		return result{}, err
	}
	if err := s.store.SetString(c.Request.Context(), key, text); err != nil {
		return result{}, err
	}
	return result{key: key, json: quoted(text)}, nil
}

func (s *Server) getString(c *gin.Context) (result, error) {
	key, err := pathKey(c)
	if err != nil {
		return result{}, err
	}
	text, err := s.store.GetString(c.Request.Context(), key)
	if err != nil {
		return result{}, err
	}
	return result{json: quoted(text)}, nil
}

func (s *Server) getStringField(c *gin.Context) (result, error) {
	key, path, err := keyAndField(c)
	if err != nil {
		return result{}, err
	}
	text, err := s.store.GetString(c.Request.Context(), key)
	if err != nil {
		return result{}, err
	}
	if err := checkStored(key, text); err != nil {
		return result{}, err
	}
	from, to, err := locate(text, path)
	if err != nil {
		return result{}, err
	}
	return result{json: text[from:to]}, nil
}

// putString rewrites the text of a key with another value at the path, which must exist.
func (s *Server) putString(c *gin.Context) (result, error) {
	ch, err := s.readChange(c, "str")
	if err != nil {
		return result{}, err
	}
	if !utf8.Valid(ch.value) {
		return result{}, fmt.Errorf("%w: str is not UTF-8", ErrInvalid)
	}
	text, err := s.store.EditString(c.Request.Context(), ch.key, func(text []byte) ([]byte, error) {
		if err := checkStored(ch.key, text); err != nil {
			return nil, err
		}
		return replaceAt(text, ch.path, ch.value)
	})
	if err != nil {
		return result{}, err
	}
	return result{key: ch.key, json: quoted(text)}, nil
}

// checkDocument checks a document that no RedisJSON will look at.
func checkDocument(document []byte) error {
	switch {
	case len(document) == 0:
		return fmt.Errorf("%w: the body is empty: send a JSON document", ErrInvalid)
	case !json.Valid(document):
		return fmt.Errorf("%w: the body is not one JSON value, or nested more than 10000 deep", ErrInvalid)
	case !utf8.Valid(document):
		return fmt.Errorf("%w: the body is not UTF-8", ErrInvalid)
	}
	return checkSurrogates(document)
}

// checkStored checks a text that anybody may have stored.
func checkStored(key string, text []byte) error {
	if !json.Valid(text) || !utf8.Valid(text) {
		return fmt.Errorf("%w: the string at key %.100q is no JSON document: use another key", ErrWrongType, key)
	}
	return nil
}

// documentKey is the document's own id, or a new key behind a prefix.
func documentKey(document []byte, prefix string) (string, error) {
	id, found, err := documentID(document)
	switch {
	case err != nil:
		return "", err
	case !found:
		return newKey(prefix), nil
	}
	return id, checkText("id", id)
}

// quoted is text as a JSON string.
func quoted(text []byte) []byte {
	var buf bytes.Buffer
	buf.Grow(len(text) + len(text)/8 + len(`""`))
	appendQuoted(&buf, text)
	return buf.Bytes()
}
