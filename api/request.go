package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// firstRead is how much room in bytes a request's Content-Length may reserve before any of the body has come.
const firstRead = 64 << 10

// pathValue returns the named part of the request's path, unescaped once.
func pathValue(c *gin.Context, name string) (string, error) {
	value := c.Param(name)
	// gin matched the raw path if there is one, and else the path that net/url has unescaped.
	if c.Request.URL.RawPath != "" {
		unescaped, err := url.PathUnescape(value)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		value = unescaped
	}
	return value, checkText(name, value)
}

func pathKey(c *gin.Context) (string, error) { return pathValue(c, "id") }

// query is the request's query string. A malformed one is an error, not an empty one.
func query(c *gin.Context) (url.Values, error) {
	if c.Request.URL.RawQuery == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: query string: %w", ErrInvalid, err)
	}
	return values, nil
}

// queryPath is the path in ?path=, the root without one.
func queryPath(c *gin.Context) (Path, error) {
	values, err := query(c)
	if err != nil || !values.Has("path") {
		return Path{}, err
	}
	return ParsePath(values.Get("path"))
}

// keysQuery is what GET /api/v1/keys understands.
func keysQuery(c *gin.Context) (prefix string, limit int, err error) {
	values, err := query(c)
	if err != nil {
		return "", 0, err
	}
	prefix, limit = defaultPrefix, defaultLimit
	if values.Has("pattern") {
		prefix = values.Get("pattern")
		if !utf8.ValidString(prefix) {
			return "", 0, fmt.Errorf("%w: pattern is not UTF-8", ErrInvalid)
		}
	}
	if values.Has("limit") {
		limit, err = strconv.Atoi(values.Get("limit"))
		if err != nil || limit < 1 || limit > maxLimit {
			return "", 0, fmt.Errorf("%w: limit is %.40q: write a number from 1 to %d", ErrInvalid, values.Get("limit"), maxLimit)
		}
	}
	return prefix, limit, nil
}

// change is the body of the PUT routes: the key, the path in it, and one raw value that is named str, arr or num.
type change struct {
	key   string
	path  Path
	value json.RawMessage
}

// member is the body of the PUT routes as it came: the texts of key and field, and the raw value of the third member.
type member struct {
	key   string
	field string
	value json.RawMessage
}

// readChange is readMember for the routes whose field is a path.
func (s *Server) readChange(c *gin.Context, valueName string) (change, error) {
	m, err := s.readMember(c, valueName)
	if err != nil {
		return change{}, err
	}
	path, err := ParsePath(m.field)
	if err == nil {
		err = path.Changeable()
	}
	return change{key: m.key, path: path, value: m.value}, err
}

// readMember reads a body {"key":…, "field":…, <valueName>:…}. Other members are ignored; of several with one name
// the last counts.
func (s *Server) readMember(c *gin.Context, valueName string) (member, error) {
	body, err := s.readBody(c)
	if err != nil {
		return member{}, err
	}
	if !json.Valid(body) {
		return member{}, fmt.Errorf("%w: the body is not JSON: send %s", ErrInvalid, changeForm(valueName))
	}
	if err := checkSurrogates(body); err != nil {
		return member{}, err
	}
	var key, field, value json.RawMessage
	if start := skipSpace(body, 0); body[start] == '{' {
		walkObject(body, start, func(name []byte, from, to int) {
			switch {
			case nameIs(name, "key"):
				key = body[from:to]
			case nameIs(name, "field"):
				field = body[from:to]
			case nameIs(name, valueName):
				value = body[from:to]
			}
		})
	}
	if !isString(key) || !isString(field) || value == nil {
		return member{}, fmt.Errorf("%w: the body must be %s", ErrInvalid, changeForm(valueName))
	}
	return parseMember(key, field, value)
}

func parseMember(key, field, value json.RawMessage) (member, error) {
	m := member{value: value}
	var err error
	if m.key, err = unquote(key); err != nil {
		return member{}, err
	}
	if err := checkText("key", m.key); err != nil {
		return member{}, err
	}
	m.field, err = unquote(field)
	return m, err
}

func changeForm(valueName string) string {
	kind := map[string]string{"str": "<value>", "arr": "<value or array>", "num": "<number>"}[valueName]
	return `{"key":"<key>","field":"<path>","` + valueName + `":` + kind + `}`
}

func isString(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }

func isNumber(raw json.RawMessage) bool {
	return len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9')
}

func checkText(what, text string) error {
	switch {
	case text == "":
		return fmt.Errorf("%w: the %s is empty", ErrInvalid, what)
	case !utf8.ValidString(text):
		return fmt.Errorf("%w: the %s is not UTF-8", ErrInvalid, what)
	}
	return nil
}

// readBody returns the request's body without a byte order mark, for as long as the request lasts. Its errors are ErrTooLarge, ErrMediaType and
// ErrInvalid.
func (s *Server) readBody(c *gin.Context) ([]byte, error) {
	r := c.Request
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		c.Writer.Header().Set("Accept-Encoding", "identity") // RFC 9110, section 12.5.3
		return nil, fmt.Errorf("%w: the Content-Encoding is %.100q: send the body without compression", ErrMediaType, coding)
	}
	if r.ContentLength > s.cfg.MaxBody {
		return nil, s.tooLarge(r)
	}
	buf := newBuffer()
	if w, ok := c.Writer.(*countingWriter); ok {
		w.body = buf // which gives it back
	}
	// One byte more than announced, so that reading to the end does not grow the buffer.
	buf.Grow(int(min(max(r.ContentLength, 0), firstRead)) + bytes.MinRead)
	_, err := buf.ReadFrom(http.MaxBytesReader(c.Writer, r.Body, s.cfg.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, s.tooLarge(r)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w: the body is shorter than Content-Length says", ErrInvalid)
	case err != nil:
		return nil, fmt.Errorf("%w: read the body: %w", ErrInvalid, err)
	}
	return bytes.TrimPrefix(buf.Bytes(), []byte(byteOrderMark)), nil
}

// byteOrderMark begins the files of some editors. RFC 8259, section 8.1, lets a reader ignore it.
const byteOrderMark = "\ufeff"

// tooLarge also reads on, at most twice what is allowed: many clients look for the reply only when they have sent
// all, and would see a broken connection instead of the 413. A client that asked whether to send does look.
func (s *Server) tooLarge(r *http.Request) error {
	if r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, 2*s.cfg.MaxBody) // whatever ends it, the reply is the same
	}
	return fmt.Errorf("%w: the limit is %d bytes (API_MAX_BODY): send a smaller document", ErrTooLarge, s.cfg.MaxBody)
}

// checkMediaType lets bodies through that are said to be JSON, or of which nothing is said. curl says of every body
// that it is a form unless it is told otherwise, so that counts as nothing.
func checkMediaType(contentType string) error {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch {
	case media == "" || media == "application/json" || media == "application/x-www-form-urlencoded",
		strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"):
		return nil
	}
	return fmt.Errorf("%w: the Content-Type is %.100q: send application/json", ErrMediaType, contentType)
}
