package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// statusClientGone is what /metrics shows for a request whose client hung up before the store answered. Nobody
// receives it. The number is the one that nginx uses.
const statusClientGone = 499

// retryAfter is sent with every 503, in seconds. The store dials again on each request, so soon is right.
const retryAfter = "1"

// keepBuffer is the largest response buffer in bytes that is kept for the next response.
const keepBuffer = 1 << 20

// serverSetsLength is the size in bytes below which net/http finds the Content-Length by itself, for less.
const serverSetsLength = 2048

// result is what a successful reply shows: {"status":"ok"}, with "key" and "json" where they are set.
type result struct {
	key  string
	json []byte // valid JSON
}

// buffers holds *bytes.Buffer. A response leaves in one Write, which saves system calls.
var buffers sync.Pool

func newBuffer() *bytes.Buffer {
	if buf, ok := buffers.Get().(*bytes.Buffer); ok {
		buf.Reset()
		return buf
	}
	return new(bytes.Buffer)
}

func (s *Server) replyOK(c *gin.Context, r result) {
	buf := newBuffer()
	buf.WriteString(`{"status":"ok"`)
	if r.key != "" {
		buf.WriteString(`,"key":`)
		appendString(buf, r.key)
	}
	if r.json != nil {
		buf.WriteString(`,"json":`)
		buf.Write(r.json)
	}
	buf.WriteByte('}')
	s.reply(c, http.StatusOK, buf)
}

func (s *Server) replyError(c *gin.Context, status int, text string) {
	buf := newBuffer()
	buf.WriteString(`{"error":`)
	appendString(buf, text)
	buf.WriteByte('}')
	s.reply(c, status, buf)
}

// reply sends the buffer and gives it back.
func (s *Server) reply(c *gin.Context, status int, body *bytes.Buffer) {
	header := c.Writer.Header()
	header["Content-Type"] = jsonContentType
	if body.Len() >= serverSetsLength {
		header["Content-Length"] = []string{strconv.Itoa(body.Len())}
	}
	c.Writer.WriteHeader(status)
	gatherReply(c.Request, body.Len())
	if _, err := c.Writer.Write(body.Bytes()); err != nil {
		s.cfg.Logger.Debug("response not written: the client is gone", "path", c.Request.URL.Path, "err", err)
	}
	if body.Cap() <= keepBuffer {
		buffers.Put(body)
	}
}

// jsonContentType is shared by all responses: net/http does not change header values.
var jsonContentType = []string{"application/json; charset=utf-8"}

// fail answers with the status of the sentinel that err wraps and with err's text.
func (s *Server) fail(c *gin.Context, err error) {
	text := strings.TrimPrefix(err.Error(), "api: ")
	switch {
	case errors.Is(err, context.Canceled):
		s.replyError(c, statusClientGone, "the client hung up")
	case errors.Is(err, ErrInvalid):
		s.replyError(c, http.StatusBadRequest, text)
	case errors.Is(err, ErrNotFound):
		s.replyError(c, http.StatusNotFound, text+"; GET /api/v1/keys lists keys, GET /api/v1/fields/{key} field names")
	case errors.Is(err, ErrWrongType):
		s.replyError(c, http.StatusConflict, text)
	case errors.Is(err, ErrTooLarge):
		s.replyError(c, http.StatusRequestEntityTooLarge, text)
	case errors.Is(err, ErrMediaType):
		s.replyError(c, http.StatusUnsupportedMediaType, text)
	case errors.Is(err, ErrUnavailable):
		s.storeFailed(err)
		c.Writer.Header().Set("Retry-After", retryAfter)
		s.replyError(c, http.StatusServiceUnavailable, text+"; try again, GET /readyz says when Redis is back")
	default:
		s.cfg.Logger.Error("request failed", "method", c.Request.Method, "path", c.Request.URL.Path, "err", err)
		s.replyError(c, http.StatusInternalServerError, "internal error, report it: "+text)
	}
}

// appendString appends text as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendString(buf *bytes.Buffer, text string) { appendQuoted(buf, text) }

// appendQuoted is appendString for text in either form. It copies runs of what needs no escape.
func appendQuoted[T string | []byte](buf *bytes.Buffer, text T) {
	const hex = "0123456789abcdef"
	out := append(buf.AvailableBuffer(), '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))])); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		out = append(out, text[start:i]...)
		switch {
		case c >= utf8.RuneSelf:
			out = append(out, `\ufffd`...)
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, '\\', 'n')
		default:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i += size
		start = i
	}
	out = append(out, text[start:]...)
	buf.Write(append(out, '"'))
}

// appendJSON appends value, which must not be able to fail to encode, without escaping <, > and &.
func appendJSON(buf *bytes.Buffer, value any) {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		panic(err) // strings, and slices of them, always encode
	}
	buf.Truncate(buf.Len() - len("\n"))
}

func encodeJSON(value any) []byte {
	var buf bytes.Buffer
	appendJSON(&buf, value)
	return buf.Bytes()
}
