package httpuser

import "github.com/bandwing/bandwing/locustworker/httpuser/internal/target"

// Group runs f and names the requests that the session makes in it, unless they
// have a Name of their own (Locust's client.rename_request):
//
//	err := r.Group("/articles/[id]", func() error {
//		_, err := r.Get(ctx, "/articles/17?page=2")
//		return err
//	})
//
// A group within a group goes first, and ends in the outer one. (Locust's leaves
// no name behind.) Group returns f's error, and must be called by the session's
// own goroutine.
func (s *Session) Group(name string, f func() error) error {
	outer := s.group
	s.group = name
	defer func() { s.group = outer }()
	return f()
}

// SetRequestName names the requests from here on, unless they have a Name of
// their own (Locust's client.request_name). An empty name ends that. It must be
// called by the session's own goroutine.
func (s *Session) SetRequestName(name string) { s.group = name }

// rowName is the name of the request's row: the request's own, else its group's,
// else the path with the query, as they were passed in.
func (c *call) rowName() string {
	switch {
	case c.name != "":
		return c.name
	case c.fresh:
		return c.freshName()
	case c.group != "":
		return c.group
	}
	_, _, rest, absolute := target.Split(c.path)
	if absolute && (rest == "" || rest[0] != '/') {
		return "/" + rest
	}
	return rest
}
