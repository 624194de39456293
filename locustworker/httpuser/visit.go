package httpuser

import (
	"errors"
	"sync"
)

// NewVisitor makes the session that of a new visitor: its connections are closed,
// and its cookies, the headers that SetHeader set and the name that
// SetRequestName set are dropped. Connections of a Pool stay open. It costs a new
// connection and leaves nothing behind, so that it may be called in each
// iteration:
//
//	func (s *shopper) visit(ctx context.Context) error {
//		s.NewVisitor()
//		…
//	}
//
// It must be called by the session's own goroutine.
func (s *Session) NewVisitor() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reset()
	s.headers, s.group = s.cfg.fields, ""
	if s.h2 != nil && s.cfg.Pool == nil {
		s.h2 = newH2(s)
	}
}

// reset drops connections and cookies. s.mu is held.
func (s *Session) reset() {
	s.closeIdle()
	s.jar, s.others = nil, nil
	for _, child := range s.children {
		child.mu.Lock()
		child.closed = true
		child.closeIdle()
		child.mu.Unlock()
	}
	s.children = nil
}

// Close closes the session's connections and drops all that it keeps. Requests
// from then on are refused with ErrClosed. A session that its class's constructor
// made need not be closed: its user's end does that. Close may be called more than
// once, by the session's own goroutine.
func (s *Session) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.reset()
	s.kept = nil
	s.mu.Unlock()
	if s.unwatch != nil && s.unwatch() && s.cfg.Pool != nil {
		s.cfg.Pool.leave()
	}
}

// Parallel calls each function in a goroutine of its own, with a session that has
// the cookies, the headers and the name of s and connections of its own, and waits
// for all of them: a page with its images. Each request is recorded as ever. The
// connections are kept for the next call.
//
//	err := s.Parallel(
//		func(s *httpuser.Session) error { _, err := s.Get(ctx, "/a.png"); return err },
//		func(s *httpuser.Session) error { _, err := s.Get(ctx, "/b.png"); return err },
//	)
//
// The sessions must not be used after their function has returned, and their
// SetHeader, SetRequestName and Group have no effect on s. s must not be used
// meanwhile. The error joins those of all functions; a panic in one of them goes
// on in the caller, once all have returned.
func (s *Session) Parallel(functions ...func(*Session) error) error {
	sessions := s.forks(len(functions))
	errs := make([]error, len(functions))
	panics := make(chan any, len(functions))
	var wg sync.WaitGroup
	for i, f := range functions {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics <- p
				}
			}()
			errs[i] = f(sessions[i])
		})
	}
	wg.Wait()
	select {
	case p := <-panics:
		panic(p)
	default:
		return errors.Join(errs...)
	}
}

// forks returns n sessions of the same visitor.
func (s *Session) forks(n int) []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.children) < n {
		s.children = append(s.children, &Session{user: s.user, cfg: s.cfg, base: s.base, parent: s, h2: s.h2, ended: s.ended})
	}
	for _, child := range s.children[:n] {
		child.headers, child.group, child.closed = s.headers, s.group, s.closed
	}
	return s.children[:n:n]
}
