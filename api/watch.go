package api

import (
	"context"
	"time"
)

const (
	// recheck is the time between two questions to a store that is lost.
	recheck = time.Second
	// quiet is the time after a line about a request that failed alone, in which there is no other.
	quiet = time.Minute
	// maxReasons bounds the lines about one loss of the store.
	maxReasons = 3
)

// storeFailed has watchStore look at the store, if it does not do so already. It does not block.
func (s *Server) storeFailed(err error) {
	select {
	case s.failures <- err:
	default:
	}
}

// watchStore logs when the store is lost, with the reason, and when it is back: a line each, and one for each other
// reason. It looks when it starts and when a request failed, and asks once a second while the store is lost. It blocks
// until ctx ends.
func (s *Server) watchStore(ctx context.Context) {
	s.checkStore(ctx)
	var warned time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case failure := <-s.failures:
			// A store that serves, but not this request: no permission for the command, or others were always faster.
			if !s.checkStore(ctx) && ctx.Err() == nil && (warned.IsZero() || time.Since(warned) >= quiet) {
				warned = time.Now()
				s.cfg.Logger.WarnContext(ctx, "a request got a 503, although Redis serves", "reason", failure)
			}
		}
	}
}

// warnOnce logs why the store is lost, unless that was said: a slow start may hide a reason such as a certificate.
func (s *Server) warnOnce(ctx context.Context, said map[string]bool, reason error) {
	if text := reason.Error(); !said[text] && len(said) < maxReasons {
		said[text] = true
		s.cfg.Logger.WarnContext(ctx, "Redis cannot serve: requests get a 503", "reason", reason)
	}
}

// checkStore returns whether the store was lost, after it is back or ctx has ended.
func (s *Server) checkStore(ctx context.Context) (lost bool) {
	err := s.store.Ready(ctx)
	if err == nil || ctx.Err() != nil {
		return false
	}
	since := time.Now()
	said := make(map[string]bool)
	s.warnOnce(ctx, said, err)
	ticker := time.NewTicker(recheck)
	defer ticker.Stop()
	for err != nil {
		select {
		case <-ctx.Done():
			return true
		case <-ticker.C:
			if err = s.store.Ready(ctx); err != nil && ctx.Err() == nil {
				s.warnOnce(ctx, said, err)
			}
		}
	}
	select {
	case <-s.failures: //nolint:errcheck // one of the time before
	default:
	}
	s.cfg.Logger.InfoContext(ctx, "Redis serves again", "after", time.Since(since).Round(time.Millisecond))
	return true
}
