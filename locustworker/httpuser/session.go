package httpuser

import (
	"context"
	"fmt"
	"sync"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser/internal/cookies"
)

// A Session sends one user's HTTP requests. It keeps one connection alive to the
// user's host, and one to each other server that absolute URLs or redirects led
// to, and closes them when the user ends. It keeps cookies.
//
// A session belongs to one goroutine: a second request while one is running is
// refused with ErrBusy. See Parallel for several at a time.
type Session struct {
	user    *locustworker.User
	cfg     *settings // shared where it can be
	base    *base     // shared where it can be
	headers []header  // of all requests; never changed in place
	group   string
	parent  *Session // of one that Parallel made
	unwatch func() bool

	mu       sync.Mutex
	turn     *turn // of the running request
	turns    uint64
	ended    bool         // the user's context has ended
	closed   bool         // see Close
	idle     []*conn      // the kept-alive connections of its own
	others   []*peer      // known servers beside the user's host; the session's goroutine alone uses it
	jar      *cookies.Jar // nil until a server sets a cookie
	kept     *keptAnswer  // with ReuseResponses, the one of the request before
	children []*Session   // for Parallel
	h2       *h2client    // with Protocol HTTP2 and H2C; its parent's or its pool's
}

// New returns a session of u that sends to u.Host(), whose user and password, if
// it has them, become basic authentication. Every error wraps ErrConfig. A class
// makes one in its constructor; one that is made later is to be closed.
func New(u *locustworker.User, cfg Config) (*Session, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if u.Host() == "" {
		return nil, fmt.Errorf("%w: no host; set it in the web UI, with --host or in the user class", ErrConfig)
	}
	b, err := baseFor(cfg.Pool, u.Host())
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrConfig, locustworker.HidePasswords(err.Error()))
	}
	set := settingsFor(cfg)
	s := &Session{user: u, cfg: set, base: b, headers: set.fields}
	if set.Pool != nil {
		set.Pool.join()
	}
	if set.Protocol != HTTP1 {
		s.h2 = h2For(s)
	}
	if set.ReuseResponses {
		u.Client().AfterTask(s.taskEnded)
	}
	s.unwatch = afterEnd(u.Context(), s.userEnded)
	return s, nil
}

// afterEnd has f called when ctx ends. A context that has a method for that is
// asked itself, which costs less for each of many users.
func afterEnd(ctx context.Context, f func()) (stop func() bool) {
	if c, ok := ctx.(interface{ AfterFunc(func()) func() bool }); ok {
		return c.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}

// userEnded is called once, when the user's context ends.
func (s *Session) userEnded() {
	s.stopped()
	if s.cfg.Pool != nil {
		s.cfg.Pool.leave()
	}
}

// stopped is what the user's end means for the session's requests.
func (s *Session) stopped() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	switch t := s.turn; {
	case t == nil:
		s.closeIdle()
	case t.own:
		s.stopTurn(t)
	}
	for _, child := range s.children {
		child.stopped()
	}
}

// Get requests path, which is appended to the user's host unless it is an
// absolute URL. It blocks until the request is recorded, or returns an error and
// no response when there is nothing to record; see the package's documentation.
// The other methods are like it.
func (s *Session) Get(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.do(ctx, false, "GET", path, opts)
}

// Head is like Get. It follows no redirects unless told to.
func (s *Session) Head(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.do(ctx, false, "HEAD", path, opts)
}

// Options is like Get.
func (s *Session) Options(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.do(ctx, false, "OPTIONS", path, opts)
}

// Delete is like Get.
func (s *Session) Delete(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.do(ctx, false, "DELETE", path, opts)
}

// Post is like Get. Body and JSON give it a body.
func (s *Session) Post(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.do(ctx, false, "POST", path, opts)
}

// Put is like Post.
func (s *Session) Put(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.do(ctx, false, "PUT", path, opts)
}

// Patch is like Post.
func (s *Session) Patch(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.do(ctx, false, "PATCH", path, opts)
}

// Do is Get with any method, which is also the row's type, as it is passed in.
func (s *Session) Do(ctx context.Context, method, path string, opts ...Option) (*Response, error) {
	return s.do(ctx, false, method, path, opts)
}

func (s *Session) do(ctx context.Context, rest bool, method, path string, opts []Option) (*Response, error) {
	if ctx.Err() != nil {
		return nil, &abort{ctx: ctx}
	}
	if err := s.user.Client().TaskAborted(); err != nil {
		return nil, err
	}
	users := s.user.Context()
	x := exchanges.Get().(*exchange) //nolint:forcetypeassert // the pool holds nothing else
	defer x.release()
	if err := s.begin(&x.turn, ctx == users, users.Err() != nil); err != nil {
		return nil, err
	}
	defer s.finish()

	x.ctx = ctx
	x.call.reset(method, path, &s.cfg.Config)
	x.call.group, x.call.rest = s.group, rest
	for _, opt := range opts {
		opt(&x.call)
	}
	if err := s.build(x); err != nil {
		return nil, err
	}
	if ctx != users && ctx.Done() != nil {
		defer s.watch(ctx, x.number)()
	}
	return s.perform(x)
}

// watch makes the session learn of the end of a request's own context.
func (s *Session) watch(ctx context.Context, number uint64) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		s.callEnded(number, ctx.Err(), s.user.Context().Err() != nil)
	})
}
