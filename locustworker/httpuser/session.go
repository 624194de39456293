package httpuser

import (
	"cmp"
	"context"
	"fmt"
	"net/http/cookiejar"
	"slices"

	"github.com/valyala/fasthttp"

	"github.com/bandwing/bandwing/locustworker"
)

// A Session sends one user's HTTP requests. It keeps one connection alive to the
// user's host, and one to each other server that absolute URLs or redirects led
// to, and closes them when the user ends. It keeps cookies.
//
// A session belongs to one goroutine: a second request while one is running is
// refused with ErrBusy.
type Session struct {
	user    *locustworker.User
	cfg     Config
	headers []header // Config.Headers in an order of their own
	base    base
	jar     *cookiejar.Jar // nil until a server sets a cookie
	group   string
	gate    gate
	waiter  *waiter // where there is a pool
	leased  *peer   // to which the session has the right to one of the pool's connections

	// What follows belongs to the running request and is reused.
	call call
	resp *Response
	uri  []byte

	last *answer // to the request before
}

// New returns a session of u that sends to u.Host(), whose user and password, if
// it has them, become basic authentication. Every error wraps ErrConfig.
func New(u *locustworker.User, cfg Config) (*Session, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if u.Host() == "" {
		return nil, fmt.Errorf("%w: no host; set it in the web UI, with --host or in the user class", ErrConfig)
	}
	b, err := parseBase(u.Host())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	s := &Session{user: u, cfg: cfg.withDefaults(), base: b}
	for k, v := range cfg.Headers {
		s.headers = append(s.headers, header{k, v})
	}
	slices.SortFunc(s.headers, func(a, b header) int { return cmp.Compare(a.key, b.key) })
	s.gate.drain = u.DrainTimeout()
	s.gate.peers = []*peer{b.peer}
	if cfg.Pool != nil {
		s.waiter = newWaiter()
		cfg.Pool.join()
	}
	context.AfterFunc(u.Context(), s.userEnded)
	u.AfterTask(s.taskEnded)
	return s, nil
}

// userEnded is called once, when the user's context ends.
func (s *Session) userEnded() {
	s.gate.userEnded()
	if s.cfg.Pool != nil {
		s.cfg.Pool.leave()
	}
}

// taskEnded gives a large answer back.
func (s *Session) taskEnded() {
	if s.last != nil && s.last.isLarge() {
		s.last.reset()
		answers.Put(s.last)
		s.last = nil
	}
}

// Get requests path, which is appended to the user's host unless it is an
// absolute URL. It blocks until the request is recorded, or returns an error and
// no response when there is nothing to record; see the package's documentation.
// The other methods are like it.
func (s *Session) Get(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.Do(ctx, "GET", path, opts...)
}

// Head is like Get. It follows no redirects unless told to.
func (s *Session) Head(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.Do(ctx, "HEAD", path, opts...)
}

// Options is like Get.
func (s *Session) Options(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.Do(ctx, "OPTIONS", path, opts...)
}

// Delete is like Get.
func (s *Session) Delete(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.Do(ctx, "DELETE", path, opts...)
}

// Post is like Get. Body and JSON give it a body.
func (s *Session) Post(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.Do(ctx, "POST", path, opts...)
}

// Put is like Post.
func (s *Session) Put(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.Do(ctx, "PUT", path, opts...)
}

// Patch is like Post.
func (s *Session) Patch(ctx context.Context, path string, opts ...Option) (*Response, error) {
	return s.Do(ctx, "PATCH", path, opts...)
}

// Do is Get with any method, which is also the row's type, as it is passed in.
func (s *Session) Do(ctx context.Context, method, path string, opts ...Option) (*Response, error) {
	return s.do(ctx, false, method, path, opts)
}

func (s *Session) do(ctx context.Context, rest bool, method, path string, opts []Option) (*Response, error) {
	if ctx.Err() != nil {
		return nil, &abort{ctx: ctx}
	}
	users := s.user.Context()
	orphan := users.Err() != nil
	turn, ok := s.gate.begin(ctx == users, orphan)
	if !ok {
		return nil, ErrBusy
	}
	defer s.gate.finish()

	s.call.reset(method, path, &s.cfg)
	s.call.group, s.call.rest = s.group, rest
	defer s.call.forget()
	defer s.letGo()
	for _, opt := range opts {
		opt(&s.call)
	}
	x := exchange{ctx: ctx, orphan: orphan, req: fasthttp.AcquireRequest()}
	defer fasthttp.ReleaseRequest(x.req)
	if err := s.build(&x); err != nil {
		return nil, err
	}
	if ctx != users && ctx.Done() != nil {
		defer s.watch(ctx, turn)()
	}
	return s.perform(&x)
}

// watch makes the gate learn of the end of a request's own context.
func (s *Session) watch(ctx context.Context, turn uint64) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		s.gate.callEnded(turn, ctx.Err(), s.user.Context().Err() != nil)
	})
}
