// Command sql tests a database through database/sql: users write orders and sum them
// up. Here it is SQLite with the file orders.db; another driver needs another import.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	_ "modernc.org/sqlite"

	"github.com/bandwing/bandwing/locustworker"
)

// A buyer is one user. All users share the pool of connections, as the requests of
// a service do.
type buyer struct {
	*locustworker.User
	db *sql.DB
}

func (b *buyer) order(ctx context.Context) error {
	return b.measure(ctx, "insert order", func(ctx context.Context) error {
		_, err := b.db.ExecContext(ctx, "INSERT INTO orders (buyer, amount) VALUES (?, ?)", b.ID(), b.Rand().IntN(100))
		return err
	})
}

func (b *buyer) total(ctx context.Context) error {
	return b.measure(ctx, "sum orders", func(ctx context.Context) error {
		var sum sql.NullInt64
		return b.db.QueryRowContext(ctx, "SELECT sum(amount) FROM orders WHERE buyer = ?", b.ID()).Scan(&sum)
	})
}

// measure times a statement and records it; the wait for a connection of the pool is
// part of the time. One that runs when the user is stopped is finished and counted.
func (b *buyer) measure(ctx context.Context, name string, statement func(context.Context) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	start := time.Now()
	err := statement(limited)
	b.Record(locustworker.Sample{Type: "SQL", Name: name, ResponseTime: time.Since(start), Err: err})
	return nil
}

func open(ctx context.Context, file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", file+"?_pragma=journal_mode(wal)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	_, err = db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS orders (buyer INTEGER, amount INTEGER)")
	return db, err
}

func main() {
	db, err := open(context.Background(), "orders.db")
	if err != nil {
		fmt.Fprintln(os.Stderr, "sql:", err)
		os.Exit(1)
	}
	locustworker.Main(locustworker.NewClass("Buyer", func(u *locustworker.User) (*buyer, error) { return &buyer{u, db}, nil }).
		Wait(locustworker.Constant(20*time.Millisecond)).
		Task("order", 2, (*buyer).order).
		Task("total", 1, (*buyer).total))
}
