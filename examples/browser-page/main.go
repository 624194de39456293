// Command browser-page loads a page as a browser does: the page, then its parts over
// several connections at a time. Each visit is that of a new visitor.
package main

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

var part = regexp.MustCompile(`(?:src|href)="([^"]+\.(?:css|js|png))"`)

type browser struct{ httpuser.User }

func (b *browser) visit(ctx context.Context) error {
	b.NewVisitor() // new connections, no cookies
	start := time.Now()
	page, err := b.Get(ctx, "/")
	if err != nil || !page.OK() {
		return err
	}
	queue := make(chan string, len(page.Body))
	for _, found := range part.FindAllSubmatch(page.Body, -1) {
		queue <- string(found[1])
	}
	close(queue)
	load := func(s *httpuser.Session) error {
		for path := range queue {
			if _, err := s.Get(ctx, path); err != nil {
				return err
			}
		}
		return nil
	}
	// Browsers open six connections to one host.
	if err := b.Parallel(slices.Repeat([]func(*httpuser.Session) error{load}, 6)...); err != nil {
		return err
	}
	// A row of its own for the time until all was there.
	b.Record(locustworker.Sample{Type: "PAGE", Name: "/", ResponseTime: time.Since(start)})
	return nil
}

func main() {
	locustworker.Main(httpuser.NewClass[browser]("Browser", httpuser.Config{}).
		Wait(locustworker.Between(time.Second, 3*time.Second)).
		Task("visit", 1, (*browser).visit))
}
