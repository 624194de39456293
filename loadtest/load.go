package loadtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/brianvoe/gofakeit/v7"
)

// ErrLoad is wrapped by the error of Load.
var ErrLoad = errors.New("loadtest: documents were not loaded")

// Loading says what Load does.
type Loading struct {
	// Host is the service's base URL. Default: Config.AppEndpoint.
	Host string
	// Each is how many documents of each kind are written, under the keys
	// <prefix>1 and up. Documents that these keys have are replaced.
	Each int
	// Parallel is how many requests run at once. Default 8.
	Parallel int
	// Progress, if set, is called now and then from one goroutine, and at the end
	// of a success, with the numbers of documents written and to write.
	Progress func(written, all int, took time.Duration)
}

// Load writes documents of every kind through the service, and blocks until all
// are written, a request fails or ctx ends. It returns how many were written;
// its errors wrap ErrLoad.
func Load(ctx context.Context, cfg Config, l Loading) (written int, err error) {
	if err := cfg.Validate(); err != nil {
		return 0, err
	}
	cfg = cfg.withDefaults()
	if l.Host == "" {
		l.Host = cfg.AppEndpoint
	}
	if l.Host == "" || l.Each < 1 {
		return 0, fmt.Errorf("%w: a host and a number of documents above 0 are needed, got %q and %d", ErrLoad, l.Host, l.Each)
	}
	if l.Parallel < 1 {
		l.Parallel = 8
	}
	if cfg.Seed == 0 {
		cfg.Seed = rand.Uint64()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	transport := &http.Transport{MaxIdleConnsPerHost: l.Parallel}
	defer transport.CloseIdleConnections()
	w := &loader{
		cfg: cfg, each: l.Each, host: strings.TrimRight(l.Host, "/"), fail: cancel,
		client: http.Client{Transport: transport, Timeout: cfg.RequestTimeout},
	}
	report := w.report(l.Progress)
	var workers sync.WaitGroup
	for range l.Parallel {
		workers.Go(func() { w.work(ctx) })
	}
	workers.Wait()
	written = int(w.written.Load())
	report(written == l.Each*int(kinds))
	if written < l.Each*int(kinds) {
		return written, fmt.Errorf("%w: %d of %d were: %w", ErrLoad, written, l.Each*int(kinds), context.Cause(ctx))
	}
	return written, nil
}

// A loader is one call of Load.
type loader struct {
	cfg           Config
	each          int
	host          string
	client        http.Client
	next, written atomic.Int64
	fail          context.CancelCauseFunc
}

// work writes documents until there are no more, or ctx ends.
func (w *loader) work(ctx context.Context) {
	for ctx.Err() == nil {
		i := int(w.next.Add(1)) - 1
		if i >= w.each*int(kinds) {
			return
		}
		if err := w.write(ctx, kind(i%int(kinds)), 1+i/int(kinds)); err != nil {
			w.fail(err)
			return
		}
		w.written.Add(1)
	}
}

// routes are where documents are written, by kind.
var routes = [kinds]string{"redisjson", "redisjson", "redisjson", "string", "hash"}

func (w *loader) write(ctx context.Context, k kind, number int) error {
	key := prefixes[k] + strconv.Itoa(number)
	body, err := w.document(k, number, key)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.host+api+routes[k], bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", jsonType)
	res, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300)) // as much of it as there is
		return fmt.Errorf("%s was answered %s: %s", key, res.Status, text)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// document makes the same document for the same number and seed each time.
func (w *loader) document(k kind, number int, key string) ([]byte, error) {
	faker := gofakeit.NewFaker(rand.New(rand.NewPCG(w.cfg.Seed, uint64(number)*uint64(kinds)+uint64(k))), false)
	switch k {
	case flat, hash:
		return json.Marshal(newFlatDocument(faker, key))
	case nested:
		return json.Marshal(newNestedDocument(faker, key))
	default:
		return appendComplex(nil, key, w.cfg.DocumentSize), nil
	}
}

// report calls progress four times a second until the function that it returns
// is called.
func (w *loader) report(progress func(written, all int, took time.Duration)) (end func(done bool)) {
	if progress == nil {
		return func(bool) {}
	}
	began := time.Now()
	tell := func() { progress(int(w.written.Load()), w.each*int(kinds), time.Since(began)) }
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell()
			case <-stop:
				return
			}
		}
	}()
	return func(done bool) {
		close(stop)
		<-ended
		if done {
			tell()
		}
	}
}
