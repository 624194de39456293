package api

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/gin-gonic/gin"
)

const (
	defaultPrefix = "basicUser"
	defaultLimit  = 10
	maxLimit      = 100_000
)

func (s *Server) getKeys(c *gin.Context) (result, error) {
	prefix, limit, err := keysQuery(c)
	if err != nil {
		return result{}, err
	}
	keys, err := s.store.Keys(c.Request.Context(), prefix, limit)
	if err != nil {
		return result{}, err
	}
	if keys == nil {
		keys = []string{}
	}
	return result{json: encodeJSON(keys)}, nil
}

func (s *Server) getDocument(c *gin.Context) (result, error) {
	key, err := pathKey(c)
	if err != nil {
		return result{}, err
	}
	document, err := s.store.Get(c.Request.Context(), key, Path{})
	return result{json: document}, err
}

func (s *Server) getSubdocument(c *gin.Context) (result, error) {
	key, path, err := keyAndField(c)
	if err != nil {
		return result{}, err
	}
	value, err := s.store.Get(c.Request.Context(), key, path)
	return result{json: value}, err
}

func (s *Server) getFields(c *gin.Context) (result, error) {
	key, path, err := keyAndPath(c)
	if err != nil {
		return result{}, err
	}
	fields, err := s.store.Fields(c.Request.Context(), key, path)
	if err != nil {
		return result{}, err
	}
	if path.Many() {
		return result{json: encodeJSON(fields)}, nil
	}
	return result{json: encodeJSON(fields[0])}, nil
}

// postDocument stores any JSON value. The reply carries the document as it was sent: RedisJSON may have rewritten
// its numbers (1e2 as 100.0, more than 64 bits as a float), dropped its spaces and all but the last of equal names.
func (s *Server) postDocument(c *gin.Context) (result, error) {
	document, err := s.readBody(c)
	if err != nil {
		return result{}, err
	}
	key, err := documentKey(document, "redisJSON:")
	if err != nil {
		return result{}, err
	}
	if err := s.store.Set(c.Request.Context(), key, document); err != nil {
		return result{}, err
	}
	return result{key: key, json: bytes.TrimSpace(document)}, nil
}

func (s *Server) putUpdate(c *gin.Context) (result, error) {
	ch, err := s.readChange(c, "str")
	if err != nil {
		return result{}, err
	}
	err = s.store.Update(c.Request.Context(), ch.key, ch.path, ch.value)
	return keyResult(ch.key), err
}

func (s *Server) putAppend(c *gin.Context) (result, error) {
	ch, err := s.readChange(c, "str")
	if err != nil {
		return result{}, err
	}
	if !isString(ch.value) {
		return result{}, fmt.Errorf("%w: str must be a JSON string to append it to a string", ErrInvalid)
	}
	document, err := s.store.AppendString(c.Request.Context(), ch.key, ch.path, ch.value)
	return result{json: document}, err
}

func (s *Server) putAppendArray(c *gin.Context) (result, error) {
	ch, err := s.readChange(c, "arr")
	if err != nil {
		return result{}, err
	}
	elements := []json.RawMessage{ch.value}
	if ch.value[0] == '[' {
		if err := json.Unmarshal(ch.value, &elements); err != nil {
			return result{}, fmt.Errorf("%w: arr: %w", ErrInvalid, err)
		}
	}
	if len(elements) == 0 {
		return result{}, fmt.Errorf("%w: arr is empty: there is nothing to append", ErrInvalid)
	}
	document, err := s.store.AppendArray(c.Request.Context(), ch.key, ch.path, elements)
	return result{json: document}, err
}

func (s *Server) putIncrBy(c *gin.Context) (result, error) {
	ch, err := s.readNumber(c)
	if err != nil {
		return result{}, err
	}
	document, err := s.store.IncrBy(c.Request.Context(), ch.key, ch.path, ch.value)
	return result{json: document}, err
}

func (s *Server) putMultBy(c *gin.Context) (result, error) {
	ch, err := s.readNumber(c)
	if err != nil {
		return result{}, err
	}
	document, err := s.store.MultBy(c.Request.Context(), ch.key, ch.path, ch.value)
	return result{json: document}, err
}

func (s *Server) readNumber(c *gin.Context) (change, error) {
	ch, err := s.readChange(c, "num")
	if err == nil && !isNumber(ch.value) {
		err = fmt.Errorf("%w: num must be a JSON number, without quotes", ErrInvalid)
	}
	return ch, err
}

func (s *Server) deleteDocument(c *gin.Context) (result, error) {
	key, path, err := keyAndPath(c)
	if err == nil {
		err = path.Changeable()
	}
	if err != nil {
		return result{}, err
	}
	err = s.store.Delete(c.Request.Context(), key, path)
	return keyResult(key), err
}

// getHealth says that the process serves; it does not ask Redis.
func (s *Server) getHealth(*gin.Context) (result, error) { return result{}, nil }

func (s *Server) getReady(c *gin.Context) (result, error) {
	return result{}, s.store.Ready(c.Request.Context())
}

func keyAndPath(c *gin.Context) (string, Path, error) {
	key, err := pathKey(c)
	if err != nil {
		return "", Path{}, err
	}
	path, err := queryPath(c)
	return key, path, err
}

// keyAndField is what the routes with /:id/:field are asked for.
func keyAndField(c *gin.Context) (string, Path, error) {
	key, err := pathKey(c)
	if err != nil {
		return "", Path{}, err
	}
	field, err := pathValue(c, "field")
	if err != nil {
		return "", Path{}, err
	}
	path, err := ParsePath(field)
	return key, path, err
}

// keyResult is the reply of the routes whose json is the key.
func keyResult(key string) result {
	var buf bytes.Buffer
	appendString(&buf, key)
	return result{json: buf.Bytes()}
}

// newKey is the key of a document that names none: a random (version 4) UUID behind a prefix.
func newKey(prefix string) string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails: crypto/rand ends the process first
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%s%x-%x-%x-%x-%x", prefix, u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
