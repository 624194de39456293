package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// postHash stores the members of an object as the fields of a hash. A field's text is the string itself, or the JSON
// text of a number, true, false or null.
func (s *Server) postHash(c *gin.Context) (result, error) {
	body, err := s.readBody(c)
	if err != nil {
		return result{}, err
	}
	object := bytes.TrimSpace(body)
	if err := checkDocument(object); err != nil {
		return result{}, err
	}
	fields, err := hashFields(object)
	if err != nil {
		return result{}, err
	}
	key, err := documentKey(object, "hash:")
	if err != nil {
		return result{}, err
	}
	if err := s.store.SetHash(c.Request.Context(), key, fields); err != nil {
		return result{}, err
	}
	return result{key: key, json: hashJSON(fields)}, nil
}

func (s *Server) getHash(c *gin.Context) (result, error) {
	key, err := pathKey(c)
	if err != nil {
		return result{}, err
	}
	fields, err := s.store.GetHash(c.Request.Context(), key)
	return result{json: hashJSON(fields)}, err
}

func (s *Server) getHashField(c *gin.Context) (result, error) {
	key, err := pathKey(c)
	if err != nil {
		return result{}, err
	}
	name, err := pathValue(c, "field")
	if err != nil {
		return result{}, err
	}
	value, err := s.store.GetHashField(c.Request.Context(), key, name)
	return result{json: quoted([]byte(value))}, err
}

// putHash sets a field, which must exist. The field is a name and no path: a hash is flat.
func (s *Server) putHash(c *gin.Context) (result, error) {
	m, err := s.readMember(c, "str")
	if err != nil {
		return result{}, err
	}
	if err := checkText("field", m.field); err != nil {
		return result{}, err
	}
	if !utf8.Valid(m.value) {
		return result{}, fmt.Errorf("%w: str is not UTF-8", ErrInvalid)
	}
	value, err := flatText(m.field, m.value)
	if err != nil {
		return result{}, err
	}
	fields, err := s.store.UpdateHash(c.Request.Context(), m.key, HashField{m.field, value})
	return result{json: hashJSON(fields)}, err
}

// hashFields takes the members of a valid object apart; of several with one name the last counts.
func hashFields(object []byte) ([]HashField, error) {
	if object[0] != '{' {
		return nil, fmt.Errorf(`%w: a hash is sent as a JSON object, such as {"id":"ann","age":7}`, ErrInvalid)
	}
	var (
		fields []HashField
		places = map[string]int{}
		fault  error
	)
	walkObject(object, 0, func(rawName []byte, from, to int) {
		if fault != nil {
			return
		}
		var field HashField
		if field.Name, fault = unquote(rawName); fault != nil {
			return
		}
		if field.Value, fault = flatText(field.Name, object[from:to]); fault != nil {
			return
		}
		if place, twice := places[field.Name]; twice {
			fields[place] = field
			return
		}
		places[field.Name] = len(fields)
		fields = append(fields, field)
	})
	if fault == nil && len(fields) == 0 {
		fault = fmt.Errorf("%w: the object is empty, and Redis has no empty hash: send a field", ErrInvalid)
	}
	return fields, fault
}

// flatText is the text that a hash stores for a JSON value.
func flatText(name string, value json.RawMessage) (string, error) {
	switch value[0] {
	case '{', '[':
		return "", fmt.Errorf("%w: the value of %.100q is nested, and a hash holds flat values only: "+
			"send a string, number, true, false or null, or use POST /api/v1/redisjson", ErrInvalid, name)
	case '"':
		return unquote(value)
	}
	return string(value), nil
}

// hashJSON is a hash as a JSON object of strings; nil for none.
func hashJSON(fields []HashField) []byte {
	if fields == nil {
		return nil
	}
	var buf bytes.Buffer
	for i, field := range fields {
		if i == 0 {
			buf.WriteByte('{')
		} else {
			buf.WriteByte(',')
		}
		appendString(&buf, field.Name)
		buf.WriteByte(':')
		appendString(&buf, field.Value)
	}
	buf.WriteByte('}')
	return buf.Bytes()
}
