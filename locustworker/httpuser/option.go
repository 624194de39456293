package httpuser

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"time"
)

// An Option changes one request.
type Option func(*call)

// A call is what the caller asked for: one request before it is built. A session
// reuses it.
type call struct {
	method, path string
	name, group  string
	query        []byte
	headers      []header
	context      map[string]any
	cookies      []header
	body         []byte
	contentType  string
	checks       []func(*Response) error
	catches      []func(*Response) error
	timeout      time.Duration
	connect      time.Duration
	redirects    int
	rest         bool
	stream       bool // the body is not kept
	sink         func(*Response, io.Reader) error
	readErr      error // of sink
	fresh        bool  // has a CacheBuster
	err          error
}

type header struct{ key, value string }

func (c *call) reset(method, path string, cfg *Config) {
	c.method, c.path = method, path
	c.timeout, c.connect, c.redirects = cfg.Timeout, cfg.ConnectTimeout, cfg.MaxRedirects
	if method == "HEAD" {
		c.redirects = -1 // as HttpSession.head
	}
}

// clear drops what the caller passed in.
func (c *call) clear() {
	clear(c.headers)
	clear(c.cookies)
	clear(c.checks)
	clear(c.catches)
	*c = call{query: scratch(c.query), headers: c.headers[:0], cookies: c.cookies[:0], checks: c.checks[:0], catches: c.catches[:0]}
}

// Name sets the name of the request's row (Locust's name=). Without it, or with
// an empty name, it is that of the Group, else the path with its query, as they
// were passed in; of an absolute URL too, as HttpUser has it.
func Name(name string) Option {
	return func(c *call) { c.name = name }
}

// Context adds a value to the sample's Context, which the Request event gets.
func Context(key string, value any) Option {
	return func(c *call) {
		if c.context == nil {
			c.context = make(map[string]any)
		}
		c.context[key] = value
	}
}

// Header sets a header, in place of one of the same name that the configuration
// or the session itself sets.
func Header(key, value string) Option {
	return func(c *call) { c.headers = append(c.headers, header{key, value}) }
}

// BasicAuth sets the Authorization header, in place of what the host's user and
// password make.
func BasicAuth(user, password string) Option {
	return Header("Authorization", basicAuth(user, password))
}

// Query adds a parameter to the URL, escaped. The row's name does not have it.
func Query(key, value string) Option {
	return func(c *call) { c.addQuery(key, value) }
}

func (c *call) addQuery(key, value string) {
	if len(c.query) > 0 {
		c.query = append(c.query, '&')
	}
	c.query = append(c.query, url.QueryEscape(key)...)
	c.query = append(c.query, '=')
	c.query = append(c.query, url.QueryEscape(value)...)
}

// Body sets the request's body and, unless it is empty, the Content-Type. The
// bytes are not copied and must not change until the request returns.
func Body(body []byte, contentType string) Option {
	return func(c *call) { c.body, c.contentType = body, contentType }
}

// JSON sets the request's body to v in JSON, with its Content-Type.
func JSON(v any) Option {
	return func(c *call) {
		body, err := json.Marshal(v)
		if err != nil {
			c.err = fmt.Errorf("%w: the body: %w", ErrRequest, err)
			return
		}
		c.body, c.contentType = body, jsonType
	}
}

// Timeout limits this request instead of Config.Timeout. 0 or less means none.
func Timeout(d time.Duration) Option {
	return func(c *call) { c.timeout = d }
}

// ConnectTimeout limits name lookup, connecting and the TLS handshake of this
// request instead of Config.ConnectTimeout, within its Timeout. 0 or less means
// none of its own.
func ConnectTimeout(d time.Duration) Option {
	return func(c *call) { c.connect = d }
}

// Redirects sets how many redirects this request follows, instead of
// Config.MaxRedirects (and instead of none, for HEAD). Negative: they are not
// followed and are successes.
func Redirects(limit int) Option {
	return func(c *call) { c.redirects = limit }
}

// Check adds a demand to the usual ones: check is called when a complete answer
// came whose status is no failure, and that earlier Checks of the request
// accepted. An error that it returns makes the request a failure with the text
// CatchResponseError('<the error>'), as Locust's failure() does. Keep ids out of
// the text: each text is a row. A panic in check is recorded as a failure and goes
// on.
func Check(check func(*Response) error) Option {
	return func(c *call) { c.checks = append(c.checks, check) }
}

// Catch replaces the usual verdict (Locust's catch_response): judge is called
// however the request ended, with the verdict so far in Response.Err, Check's
// included, and what it returns is the verdict: nil for a success, Response.Err
// to leave it, any other error for a failure. It may also set the Type, Name,
// Duration and Length of the response, which are recorded (Locust's
// request_meta). Several are called in order; each finds the verdict of the one
// before.
//
//	httpuser.Catch(func(r *httpuser.Response) error {
//		if r.StatusCode == 404 {
//			return nil // gone is fine
//		}
//		return r.Err
//	})
func Catch(judge func(*Response) error) Option {
	return func(c *call) { c.catches = append(c.catches, judge) }
}
