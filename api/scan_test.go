package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDocumentID(t *testing.T) {
	for _, tc := range []struct {
		document string
		id       string
		found    bool
	}{
		{`{"id":"a"}`, "a", true},
		{" \n{ \"x\" : [1,{\"id\":\"inner\"}] , \"id\" :\t\"a\" } \r\n", "a", true},
		{`{"id":"first","id":"last"}`, "last", true},
		{`{"id":"text","id":7}`, "", false},
		{`{"id":7}`, "", false},
		{`{"id":{"id":"inner"}}`, "", false},
		{`{"ID":"a"}`, "", false},
		{`{"\u0069d":"a"}`, "a", true},
		{`{"id":""}`, "", true},
		{`{"id":"q\"\\\n\u00e9\ud83d\ude00"}`, "q\"\\\né😀", true},
		{`{"id":"a\\","b":"]}"}`, `a\`, true},
		{`{"s":"\\\"","id":"a"}`, "a", true},
		{`{}`, "", false},
		{`{ }`, "", false},
		{`[{"id":"a"}]`, "", false},
		{`"id"`, "", false},
		{`12.5e3`, "", false},
		{`null`, "", false},
	} {
		id, found, err := documentID([]byte(tc.document))
		if id != tc.id || found != tc.found || err != nil {
			t.Errorf("documentID(%s) = %q, %t, %v, want %q, %t", tc.document, id, found, err, tc.id, tc.found)
		}
	}
}

func TestDocumentIDRefusesWhatIsNotOneValue(t *testing.T) {
	for _, document := range []string{
		"", " \n", "{", "}", "[", `"`, `"a\"`, `{"id":"a"`, `{"id":"a"}}`, `{} x`, `{}{}`, `[1] 2`, `1 2`, `truex`, `1]`,
		`"a"b`, `{"id" "a"}`, `{"id":}`, `{"id":1 2}`, `{,}`, `{"a":1,}`, `{id:"a"}`, `{"a":"b}`, `{"id":"\x"}`, "{\"id\"", `{"id":`,
	} {
		if id, found, err := documentID([]byte(document)); !errors.Is(err, ErrInvalid) || found {
			t.Errorf("documentID(%q) = %q, %t, %v, want ErrInvalid", document, id, found, err)
		}
	}
}

func TestDocumentIDDoesNotRecurse(t *testing.T) {
	const depth = 5_000_000
	deep := `{"x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `,"id":"a"}`
	if id, _, err := documentID([]byte(deep)); id != "a" || err != nil {
		t.Errorf("documentID = %q, %v", id, err)
	}
}

// FuzzDocumentID compares with encoding/json: the same id for every valid document, and an error for every text that
// is a valid value with something after it, which RedisJSON would store in part.
func FuzzDocumentID(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a","b":[1,2,{"c":"\"]}"}]}`, `{"id":1,"id":"x"}`, `{} x`, `[1] `, `"a\\"`, ` -1.5e-7 `, `{"\u0069d":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		id, found, err := documentID(document)
		if !utf8.Valid(document) {
			return // RedisJSON refuses it; it must only not panic here
		}
		if !json.Valid(document) {
			if err == nil && beginsWithAValue(document) {
				t.Errorf("documentID(%q) took a value with a tail", document)
			}
			return
		}
		wantID, wantFound := referenceID(document)
		if errors.Is(err, ErrInvalid) && strings.ContainsRune(wantID, '\ufffd') {
			return // encoding/json makes that of a lone surrogate
		}
		if id != wantID || found != wantFound || err != nil {
			t.Errorf("documentID(%q) = %q, %t, %v, want %q, %t", document, id, found, err, wantID, wantFound)
		}
	})
}

func beginsWithAValue(text []byte) bool {
	var value json.RawMessage
	return json.NewDecoder(bytes.NewReader(text)).Decode(&value) == nil
}

// referenceID finds the id in a valid document with encoding/json's tokens.
func referenceID(document []byte) (id string, found bool) {
	dec := json.NewDecoder(bytes.NewReader(document))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return "", false
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return "", false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return "", false
		}
		if name == "id" {
			var text *string
			found = json.Unmarshal(value, &text) == nil && text != nil
			if id = ""; found {
				id = *text
			}
		}
	}
	return id, found
}
