package loadtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// What can be wrong with a reply of status 200. The texts are locustfile.py's.
var (
	errNotOK      = errors.New("the reply does not say status ok")
	errNoObject   = errors.New("the reply holds no document")
	errNoValue    = errors.New("the reply holds no value")
	errNoList     = errors.New("the reply holds no list")
	errNoText     = errors.New("the reply holds no text")
	errAnotherKey = errors.New("the reply names another key")
)

// An envelope is a reply: {"status":"ok","key":"…","json":…}.
type envelope struct {
	Status string          `json:"status"`
	Key    *string         `json:"key"`
	JSON   json.RawMessage `json:"json"`
}

// The service writes envelopes in one way, which is looked for first: decoding
// every 13 KB document would cost the load generator more than the request did.
var (
	usualStart = []byte(`{"status":"ok","json":`)
	usualEnd   = []byte(`}`)
)

// replyJSON returns a reply's json value.
func replyJSON(body []byte) (json.RawMessage, error) {
	if bytes.HasPrefix(body, usualStart) && bytes.HasSuffix(body, usualEnd) {
		return body[len(usualStart) : len(body)-len(usualEnd)], nil
	}
	e, err := decodeEnvelope(body)
	return e.JSON, err
}

func decodeEnvelope(body []byte) (envelope, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil || e.Status != "ok" {
		return envelope{}, errNotOK
	}
	return e, nil
}

// Checks for httpuser.Check. They capture nothing, so they cost nothing.

func checkObject(r *httpuser.Response) error {
	return checkJSON(r.Body, errNoObject, '{', '}')
}

func checkList(r *httpuser.Response) error {
	return checkJSON(r.Body, errNoList, '[', ']')
}

func checkText(r *httpuser.Response) error {
	return checkJSON(r.Body, errNoText, '"', '"')
}

func checkJSON(body []byte, wrong error, first, last byte) error {
	value, err := replyJSON(body)
	if err != nil {
		return err
	}
	if len(value) < 2 || value[0] != first || value[len(value)-1] != last {
		return wrong
	}
	return nil
}

func checkValue(r *httpuser.Response) error {
	value, err := replyJSON(r.Body)
	if err == nil && (len(value) == 0 || string(value) == "null") {
		err = errNoValue
	}
	return err
}

// checkKey demands the key that was asked for as the reply's json.
func (u *user) checkKey(r *httpuser.Response) error {
	value, err := replyJSON(r.Body)
	if err == nil && !isString(value, u.wantKey) {
		err = errAnotherKey
	}
	return err
}

// checkStored demands a document, and the key that was asked for as the reply's key,
// if it names one.
func (u *user) checkStored(r *httpuser.Response) error {
	return checkKept(r.Body, u.wantKey, errNoObject, '{', '}')
}

// checkStoredText is checkStored for a document that is stored as text.
func (u *user) checkStoredText(r *httpuser.Response) error {
	return checkKept(r.Body, u.wantKey, errNoText, '"', '"')
}

func checkKept(body []byte, key string, wrong error, first, last byte) error {
	rest, ok := bytes.CutPrefix(body, []byte(`{"status":"ok","key":"`))
	if ok {
		rest, ok = bytes.CutPrefix(rest, []byte(key))
	}
	if ok {
		rest, ok = bytes.CutPrefix(rest, []byte(`","json":`))
	}
	if n := len(rest); ok && n > 2 && rest[0] == first && rest[n-2] == last && rest[n-1] == '}' {
		return nil
	}
	e, err := decodeEnvelope(body)
	switch {
	case err != nil:
		return err
	case e.Key != nil && *e.Key != key: // an older service with the same routes names none
		return errAnotherKey
	case len(e.JSON) == 0 || e.JSON[0] != first:
		return wrong
	}
	return nil
}

// isString tells whether a JSON value is the string s.
func isString(value []byte, s string) bool {
	if len(value) == len(s)+2 && value[0] == '"' && string(value[1:len(value)-1]) == s {
		return true
	}
	var got string
	return json.Unmarshal(value, &got) == nil && got == s
}

// member returns the raw JSON value of the first member of that name in any
// object of body, which is JSON, or nil. It searches and does not parse: no
// string can hold what it looks for, because quotes are escaped in there.
func member(body []byte, name string) []byte {
	var buf [64]byte
	i := bytes.Index(body, append(strconv.AppendQuote(buf[:0], name), ':'))
	if i < 0 {
		return nil
	}
	body = body[i+len(name)+len(`"":`):]
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == '}' || c == ']'):
			return body[:i]
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// The largest sizes of what changes make grow: JSON bytes, and a number's
// distance from 1.
const (
	maxGrown  = 4096
	maxNumber = 1e12
	minNumber = 1e-6
)

// outgrown tells that the field of a replied document must be set anew. A field
// is known by its last name, which no member before it has.
func outgrown(body []byte, field string) bool {
	value := member(body, field[strings.LastIndexByte(field, '.')+1:])
	switch field {
	case fieldBalance, fieldSpeed:
		n, err := strconv.ParseFloat(string(value), 64)
		return err == nil && (n > maxNumber || n < minNumber)
	case fieldAge, fieldPower:
		return false // 10 at a time: a run of years does not reach the limit
	}
	return len(value) > maxGrown
}
