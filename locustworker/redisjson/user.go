package redisjson

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/brianvoe/gofakeit/v7"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// api is the prefix of the service's routes and of the rows' names.
const api = "/api/v1/"

// A user reads and changes documents that all users of the process share.
type user struct {
	*httpuser.Session
	self  *locustworker.User
	cfg   *Config
	pool  *pool
	faker *gofakeit.Faker

	body []byte // of the request that is being made
	// wantKey is the key that the running request's reply must name; the two
	// checks that look at it are kept because a method value costs an allocation.
	wantKey            string
	keyMatches, stored httpuser.Option
}

func (s *Scenario) newUser(self *locustworker.User) (*user, error) {
	session, err := httpuser.New(self, httpuser.Config{Timeout: s.cfg.RequestTimeout})
	if err != nil {
		return nil, err
	}
	u := &user{
		Session: session, self: self, cfg: &s.cfg, pool: s.pool,
		faker: gofakeit.NewFaker(self.Rand(), false),
	}
	u.keyMatches, u.stored = httpuser.Check(u.checkKey), httpuser.Check(u.checkStored)
	s.pool.join(self.Context())
	return u, nil
}

// OnStart learns which documents there are, unless another user has.
func (u *user) OnStart(ctx context.Context) error {
	return u.pool.fill(ctx, func() error {
		for _, prefix := range prefixes {
			if err := u.fetchKeys(ctx, prefix); err != nil {
				return err
			}
		}
		return nil
	})
}

// fetchKeys makes the documents with a prefix known. A request that fails finds
// none.
func (u *user) fetchKeys(ctx context.Context, prefix string) error {
	r, err := u.Get(ctx, api+"keys", httpuser.Name(api+"keys"),
		httpuser.Query("pattern", prefix), httpuser.Query("limit", strconv.Itoa(u.cfg.SampleSize)), httpuser.Check(checkList))
	if err != nil || !r.OK() {
		return err
	}
	var keys []string
	value, err := replyJSON(r.Body)
	if err != nil || json.Unmarshal(value, &keys) != nil {
		return nil //nolint:nilerr // recorded as it is; there is nothing to learn from it
	}
	for _, key := range keys {
		u.pool.add(key)
	}
	return nil
}

// document picks one of the kinds, and writes one first when there is none: a
// complex one where that will do, else a flat one. ok is false when there is
// still none, which the failed request says.
func (u *user) document(ctx context.Context, of ...kind) (d document, ok bool, err error) {
	if d, ok = u.pool.pick(u.self.Rand(), of...); ok {
		return d, true, nil
	}
	write := u.addComplex
	for _, k := range of {
		if k == flat {
			write = u.addFlat
		}
	}
	if err := write(ctx); err != nil {
		return document{}, false, err
	}
	d, ok = u.pool.pick(u.self.Rand(), of...)
	return d, ok, nil
}

// settle forgets a document that turned out to be gone.
func (u *user) settle(r *httpuser.Response, d document) {
	if r.StatusCode == http.StatusNotFound {
		u.pool.drop(d)
	}
}
