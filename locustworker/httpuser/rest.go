package httpuser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const jsonType = "application/json"

// REST is Do for an API that speaks JSON (Locust's rest): the headers Accept and
// Content-Type say application/json, unless the request has its own, and an
// answer whose body is neither empty nor JSON is a failure, whatever its status,
// with Locust's text:
//
//	CatchResponseError('Could not parse response as JSON. <beginning of the body>, response code 200, error the body is not JSON')
//
// Where Locust has the message of Python's JSON parser, the text ends as above. The body's first 250 characters are part of that text; Catch gives it another
// one. Check is called when the body and the status are fine.
func (s *Session) REST(ctx context.Context, method, path string, opts ...Option) (*Response, error) {
	return s.do(ctx, true, method, path, opts)
}

// CacheBuster adds the parameter _=<milliseconds since 1970> to the URL, so that
// no cache answers, and names the row <path>?_=... where the request has no Name
// (Locust's rest_).
func CacheBuster() Option {
	return func(c *call) {
		c.fresh = true
		c.addQuery("_", strconv.FormatInt(time.Now().UnixMilli(), 10))
	}
}

// freshName is the name of a row whose requests have a CacheBuster.
func (c *call) freshName() string {
	mark := "?"
	if strings.Contains(c.path, "?") {
		mark = "&"
	}
	return c.path + mark + "_=..."
}

// Form sets the request's body to the values as an HTML form sends them, with
// their Content-Type (Locust's data=).
func Form(values url.Values) Option {
	return func(c *call) {
		c.body, c.contentType = []byte(values.Encode()), "application/x-www-form-urlencoded"
	}
}

// Decode decodes the body as JSON. The error's text holds nothing of the body, so
// that it may be returned from Check. Without an answer it is Response.Err.
func Decode[T any](r *Response) (T, error) {
	var v T
	if r.StatusCode == 0 && r.Err != nil {
		return v, r.Err
	}
	err := r.JSON(&v)
	return v, err
}

// JSON decodes the body into v. The error's text holds nothing of the body, so
// that it may be returned from Check.
func (r *Response) JSON(v any) error {
	if err := json.Unmarshal(r.Body, v); err != nil {
		return fmt.Errorf("the reply is not the expected JSON: %w", err)
	}
	return nil
}

// jsonFailure is what REST says of a body, or nil. Locust's text ends with what
// Python's JSON parser has found and where, this one always alike.
func (r *Response) jsonFailure() error {
	const quoted = 250 // characters
	if len(r.Body) == 0 || isJSON(r.Body) {
		return nil
	}
	text := r.text()
	head, n := text, 0
	for i := range text {
		if n == quoted {
			head = text[:i]
			break
		}
		n++
	}
	return exception("CatchResponseError", fmt.Sprintf(
		"Could not parse response as JSON. %s, response code %d, error the body is not JSON", head, r.StatusCode))
}

// pythonOnly finds strings, and the numbers that Python's json.loads takes and JSON
// does not have.
var pythonOnly = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?Infinity|NaN`)

// isJSON reports whether Python's json.loads takes the text.
func isJSON(text []byte) bool {
	if json.Valid(text) {
		return true
	}
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return false
	}
	return json.Valid(pythonOnly.ReplaceAllFunc(text, func(found []byte) []byte {
		if found[0] == '"' {
			return found
		}
		return []byte("null")
	}))
}

// text is the body as requests decodes it: a text type without a charset is
// latin-1; all else is taken for UTF-8.
func (r *Response) text() string {
	kind, _ := r.head.Get("content-type")
	kind = bytes.ToLower(kind)
	_, charset, said := bytes.Cut(kind, []byte("charset="))
	charset = bytes.Trim(charset, `"' `)
	if bytes.HasPrefix(charset, []byte("iso-8859-1")) || !said && bytes.Contains(kind, []byte("text")) {
		return latin1(r.Body)
	}
	return strings.ToValidUTF8(string(r.Body), "\ufffd")
}
