// Command shop tests a web shop: shoppers log in with accounts of a file, browse,
// search, and buy now and then.
package main

import (
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

//go:embed accounts.csv
var accountsCSV string

type account struct{ name, password string }

// accounts are those of this worker. Shoppers take them in turn.
type accounts struct {
	mu   sync.Mutex
	all  []account
	next int
}

// share reads the file and keeps the part of this worker, so that no account is
// used on two of them. It is a listener of TestStart: no user has started yet.
func (a *accounts) share(_ context.Context, env *locustworker.Environment) error {
	rows, err := csv.NewReader(strings.NewReader(accountsCSV)).ReadAll()
	if err != nil {
		return fmt.Errorf("%w: accounts.csv: %w", locustworker.ErrAbortRun, err)
	}
	first, step := env.WorkerIndex(), env.WorkerCount()
	if env.Headless() {
		first, step = 0, 1
	}
	if step == 0 {
		return fmt.Errorf("%w: start the master with --expect-workers, so that the accounts can be split", locustworker.ErrAbortRun)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all, a.next = nil, 0
	rows = rows[1:] // without the heading
	for i := first % step; i < len(rows); i += step {
		a.all = append(a.all, account{rows[i][0], rows[i][1]})
	}
	return nil
}

// take returns the next account; with more shoppers than accounts, one again.
func (a *accounts) take() account {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.all[a.next%len(a.all)]
	a.next++
	return taken
}

// A shopper is one user: its connection, its cookies and its account.
type shopper struct {
	httpuser.User
	account  account
	currency string
}

// OnStart logs in and sends the token with all requests from then on.
func (s *shopper) OnStart(ctx context.Context) error {
	s.currency = locustworker.ArgumentOr(s.Environment().Arguments(), "currency", "EUR")
	r, err := s.Post(ctx, "/login", httpuser.JSON(map[string]string{"name": s.account.name, "password": s.account.password}))
	if err != nil {
		return err
	}
	login, err := httpuser.Decode[struct{ Token string }](r)
	if err != nil {
		return err // an exception; the user is replaced
	}
	return s.SetHeader("Authorization", "Bearer "+login.Token)
}

func (s *shopper) browse(ctx context.Context) error {
	path := fmt.Sprintf("/articles/%d?currency=%s", s.Rand().IntN(1000), s.currency)
	_, err := s.Get(ctx, path, httpuser.Name("/articles/[id]"), httpuser.Check(hasPrice))
	return err
}

func (s *shopper) search(ctx context.Context) error {
	_, err := s.Get(ctx, "/search", httpuser.Query("q", "green tea"))
	return err
}

// hasPrice makes an answer without a price a failure.
func hasPrice(r *httpuser.Response) error {
	article, err := httpuser.Decode[struct{ Price float64 }](r)
	if err != nil {
		return err
	}
	if article.Price <= 0 {
		return errors.New("an article has no price")
	}
	return nil
}

// A checkout buys: its tasks run in order, the last one leaves it.
type checkout struct{ s *shopper }

func (c *checkout) add(ctx context.Context) error {
	_, err := c.s.Put(ctx, "/cart", httpuser.JSON(map[string]int{"article": c.s.Rand().IntN(1000)}))
	return err
}

func (c *checkout) pay(ctx context.Context) error {
	_, err := c.s.Post(ctx, "/pay", httpuser.JSON(map[string]string{"currency": c.s.currency}))
	return err
}

func (c *checkout) leave(context.Context) error { return locustworker.ErrInterrupt }

func main() {
	var shared accounts
	buy := locustworker.NewSet("Checkout", func(s *shopper) (*checkout, error) { return &checkout{s}, nil }).
		Sequential().
		Task("add", 1, (*checkout).add).
		Task("pay", 1, (*checkout).pay).
		Task("leave", 1, (*checkout).leave)
	class := httpuser.NewClass("Shopper", httpuser.Config{}, func(s *shopper) error { s.account = shared.take(); return nil }).
		Wait(locustworker.Between(100*time.Millisecond, 300*time.Millisecond)).
		Task("browse", 6, (*shopper).browse, "read").
		Task("search", 3, (*shopper).search, "read").
		Nest(1, buy, "write")
	locustworker.MainConfig(locustworker.Config{Events: locustworker.Events{TestStart: shared.share}}, class)
}
