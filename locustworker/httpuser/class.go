package httpuser

import "github.com/bandwing/bandwing/locustworker"

// A User is a user with an HTTP session: what Locust's FastHttpUser is. Embed it in
// the struct of a class that [NewClass] makes. It has the methods of both: Get, Put,
// Group …, and Rand, Host, Environment ….
type User struct {
	*Session
	*locustworker.User
}

func (u *User) adopt(s *Session, self *locustworker.User) { u.Session, u.User = s, self }

// NewClass returns a class of HTTP users, with weight 1 and no task. U is a struct
// that embeds [User]; each user is a new one with a session that cfg describes:
//
//	type shop struct {
//		httpuser.User
//		token string
//	}
//
//	locustworker.Main(httpuser.NewClass[shop]("Shop", httpuser.Config{}).
//		Task("index", 3, (*shop).index).
//		Task("buy", 1, (*shop).buy))
//
// A setup is called for each user after that, before its OnStart: to give it what the
// users share. An error that it returns ends the user and is reported as an
// exception.
//
//	httpuser.NewClass("Shop", cfg, func(s *shop) error { s.items = items; return nil })
//
// A class whose sessions differ from user to user is made with
// [locustworker.NewClass] and [New]. The session's errors are those of New.
func NewClass[U any, P interface {
	*U
	adopt(*Session, *locustworker.User)
}](name string, cfg Config, setup ...func(P) error) *locustworker.ClassOf[P] {
	return locustworker.NewClass(name, func(self *locustworker.User) (P, error) {
		s, err := New(self, cfg)
		if err != nil {
			return nil, err
		}
		u := P(new(U))
		u.adopt(s, self)
		for _, f := range setup {
			if err := f(u); err != nil {
				return nil, err
			}
		}
		return u, nil
	})
}
