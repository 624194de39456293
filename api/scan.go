package api

import (
	"bytes"
	"encoding/json"
	"fmt"
)

var errNotOneValue = fmt.Errorf("%w: the body is not one JSON value: "+
	"brackets or quotes do not match, or something follows the value", ErrInvalid)

// documentID checks that document is one JSON value with nothing but white space after it and returns the string at
// its top-level member "id"; found is false without such a string. The last of several members counts, as it does
// in RedisJSON. The error wraps ErrInvalid.
//
// It looks at the document's structure only, because RedisJSON validates what is inside. But RedisJSON stores the
// first value of `{} x` and ignores the rest, so the end has to be checked here.
func documentID(document []byte) (id string, found bool, err error) {
	doc := bytes.TrimRight(document, " \t\r\n")
	start := skipSpace(doc, 0)
	if start == len(doc) {
		return "", false, fmt.Errorf("%w: the body is empty: send a JSON document", ErrInvalid)
	}
	var value []byte
	var end int
	switch doc[start] {
	case '{':
		end = walkObject(doc, start, func(name []byte, from, to int) {
			if nameIs(name, "id") {
				value = doc[from:to]
			}
		})
	case '[', '"':
		end = skipValue(doc, start)
	default:
		if json.Valid(doc) { // a number, true, false or null
			end = len(doc)
		}
	}
	if end != len(doc) {
		return "", false, errNotOneValue
	}
	if len(value) == 0 || value[0] != '"' {
		return "", false, nil
	}
	id, err = unquote(value)
	return id, err == nil, err
}

// walkObject shows visit the raw name and the place of the value, b[from:to], of every member of the object that begins
// at b[i] == '{' and returns the index after it, or -1 when it is malformed: visit may have seen members by then.
func walkObject(b []byte, i int, visit func(name []byte, from, to int)) int {
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		nameEnd := skipString(b, i)
		if nameEnd < 0 {
			return -1
		}
		name := b[i:nameEnd]
		i = skipSpace(b, nameEnd)
		if i == len(b) || b[i] != ':' {
			return -1
		}
		i = skipSpace(b, i+1)
		end := skipValue(b, i)
		if end < 0 {
			return -1
		}
		visit(name, i, end)
		i = skipSpace(b, end)
		switch {
		case i < len(b) && b[i] == '}':
			return i + 1
		case i < len(b) && b[i] == ',':
			i = skipSpace(b, i+1)
		default:
			return -1
		}
	}
}

// skipValue returns the index after the value at b[i], or -1 without one. It does not recurse, whatever the depth.
func skipValue(b []byte, i int) int {
	if i == len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	end := bytes.IndexAny(b[i:], " \t\r\n,:]}")
	switch end {
	case 0:
		return -1
	case -1:
		return len(b)
	}
	return i + end
}

func skipNested(b []byte, i int) int {
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		case '"':
			end := skipString(b, i)
			if end < 0 {
				return -1
			}
			i = end - 1
		}
	}
	return -1
}

// skipString returns the index after the string at b[i], or -1 when there is none or it has no end.
func skipString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for start := i + 1; ; {
		n := bytes.IndexByte(b[start:], '"')
		if n < 0 {
			return -1
		}
		quote := start + n
		backslashes := 0
		for b[quote-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return quote + 1
		}
		start = quote + 1
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// nameIs compares a raw member name, which may have escapes, with a plain one.
func nameIs(raw []byte, name string) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1:len(raw)-1]) == name
	}
	text, err := unquote(raw)
	return err == nil && text == name
}

// unquote returns the text of a raw JSON string.
func unquote(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	if err := checkSurrogates(raw); err != nil {
		return "", err
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", fmt.Errorf("%w: string %.100q: %w", ErrInvalid, raw, err)
	}
	return text, nil
}
