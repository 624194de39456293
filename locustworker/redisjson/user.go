package redisjson

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/brianvoe/gofakeit/v7"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// api is the prefix of the service's routes and of the rows' names.
const api = "/api/v1/"

// errNoData is wrapped by what a test set without documents to work on reports.
var errNoData = errors.New("no data")

// A user of any class reads and changes documents that all users of the process
// share.
type user struct {
	*httpuser.Session
	self  *locustworker.User
	set   set
	run   *run
	cfg   *Config // the run's
	pool  *pool
	rand  *rand.Rand
	faker *gofakeit.Faker
	own   document // that JSONDelete writes and deletes

	refused int    // tasks in a row that gave way to another
	body    []byte // of the request that is being made
	// wantKey is the key that the running request's reply must name; the checks
	// that look at it are kept because a method value costs an allocation.
	wantKey                        string
	keyMatches, stored, storedText httpuser.Option
}

func (s *Scenario) newUser(self *locustworker.User, class set) (*user, error) {
	r := s.run.Load()
	session, err := httpuser.New(self, httpuser.Config{Timeout: r.cfg.RequestTimeout})
	if err != nil {
		return nil, err
	}
	index := -1
	if env := self.Environment(); env != nil {
		index = env.WorkerIndex()
	}
	source := r.source(self, class.name, index)
	u := &user{
		Session: session, self: self, set: class, run: r, cfg: &r.cfg, pool: s.pool,
		rand: source, faker: gofakeit.NewFaker(source, false),
		own: newDocument(fmt.Sprintf("deleteJSON:%d-%d", index+1, self.ID()), complexKind),
	}
	u.keyMatches, u.stored = httpuser.Check(u.checkKey), httpuser.Check(u.checkStored)
	u.storedText = httpuser.Check(u.checkStoredText)
	return u, nil
}

// document picks one of the kinds. Where there is none, it writes one first or
// says so, as the class does.
func (u *user) document(ctx context.Context, of ...kind) (document, error) {
	if d, ok := u.pool.pick(u.rand, of...); ok {
		return d, nil
	}
	if !u.set.writes {
		return document{}, u.noData(of)
	}
	write := (*user).addNested
	switch {
	case slices.Contains(of, flat):
		write = (*user).addFlat
	case slices.Contains(of, complexKind):
		write = (*user).addComplex
	}
	if err := write(u, ctx); err != nil {
		return document{}, err
	}
	d, ok := u.pool.pick(u.rand, of...)
	if !ok {
		return d, locustworker.ErrReschedule // the failed request says why
	}
	return d, nil
}

// noData is what a task without a document returns: the first time in a run an
// error that says what to do, which becomes an exception, and then one that ends
// the task, so that the user goes on looking.
func (u *user) noData(of []kind) error {
	var keys, classes []string
	for _, k := range of {
		keys = append(keys, prefixes[k]+"*")
		if !slices.Contains(classes, loaders[k]) {
			classes = append(classes, loaders[k])
		}
	}
	err := fmt.Errorf("%w: %s has no documents %s to work on: run %s first or `make data`",
		errNoData, u.set.name, strings.Join(keys, " or "), strings.Join(classes, " or "))
	if !u.run.first(err.Error()) {
		return locustworker.ErrReschedule
	}
	if env := u.self.Environment(); env != nil {
		env.Logger().Error(err.Error())
	}
	return err
}

// settle forgets a document that turned out to be gone.
func (u *user) settle(r *httpuser.Response, d document) {
	if r.StatusCode == http.StatusNotFound {
		u.pool.drop(d)
	}
}
