package loadtest

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
	"github.com/bandwing/bandwing/locustworker/redisuser"
)

// api is the prefix of the service's routes and of the rows' names.
const api = "/api/v1/"

// errNoData is wrapped by what a test set without documents to work on reports.
var errNoData = errors.New("no data")

// A user of any class reads and changes documents that all users of the process
// share.
type user struct {
	*httpuser.Session                    // nil in the Direct* classes
	redis             *redisuser.Session // nil in the others

	self  *locustworker.User
	set   set
	run   *run
	cfg   *Config // the run's
	pool  *pool
	rand  *rand.Rand // for documents; tasks and waits have self's
	faker *gofakeit.Faker
	own   document // that JSONDelete writes and deletes
	owes  bool     // own is written and not deleted

	refused int    // tasks in a row that gave way to another
	body    []byte // of the request that is being made
	// wantKey is the key that the running request's reply must name; the checks
	// that look at it are kept because a method value costs an allocation.
	wantKey                        string
	keyMatches, stored, storedText httpuser.Option
}

func (s *Scenario) newUser(self *locustworker.User, class set) (*user, error) {
	r := s.run.Load()
	index := self.Environment().WorkerIndex()
	source := r.seed(self, class.name, index)
	u := &user{
		self: self, set: class, run: r, cfg: &r.cfg, pool: s.pool,
		rand: source, faker: gofakeit.NewFaker(source, false),
		own: newDocument(fmt.Sprintf("deleteJSON:%d-%d", index+1, self.ID()), complexKind),
	}
	if class.direct {
		err := u.connect()
		return u, err
	}
	session, err := httpuser.New(self, httpuser.Config{Timeout: r.cfg.RequestTimeout})
	if err != nil {
		return nil, err
	}
	u.Session = session
	u.keyMatches, u.stored = httpuser.Check(u.checkKey), httpuser.Check(u.checkStored)
	u.storedText = httpuser.Check(u.checkStoredText)
	return u, nil
}

// chosen lets a task run as often as the run's weights want it, where they differ
// from those that the class was made with: it makes the task give way to another
// now and then, with an error that the task returns. How often tasks run is then
// in exact proportion to the weights.
func (u *user) chosen(task string) error {
	chance, limited := u.run.chances[u.set.name+"."+task]
	if !limited || u.self.Rand().Float64() < chance {
		u.refused = 0
		return nil
	}
	if u.refused++; u.refused%maxRefused == 0 {
		return locustworker.ErrReschedule // tags have left tasks of weight 0 only
	}
	return locustworker.ErrRescheduleNow
}

// maxRefused bounds the tasks in a row that give way without a pause.
const maxRefused = 1000

// begin begins a task that works on a document of one of the kinds.
func (u *user) begin(ctx context.Context, task string, of ...kind) (document, error) {
	if err := u.chosen(task); err != nil {
		return document{}, err
	}
	return u.document(ctx, of...)
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
	var err error
	switch {
	case slices.Contains(of, flat):
		err = u.writeRandom(ctx, "add_random_small_json", "redisjson", flat)
	case slices.Contains(of, complexKind):
		err = u.writeStatic(ctx, "add_static_big_json", "redisjson", complexKind, u.stored)
	default:
		err = u.writeRandom(ctx, "add_random_big_json", "redisjson", nested)
	}
	if err != nil {
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
	return err
}

// OnStop deletes a document of the user's own that a stop came in between with.
func (u *user) OnStop(ctx context.Context) error {
	if !u.owes {
		return nil
	}
	return u.deleteOwn(ctx)
}

// settle drops a document that turned out to be gone.
func (u *user) settle(r *httpuser.Response, d document) {
	if r.StatusCode == http.StatusNotFound {
		u.pool.drop(d)
	}
}
