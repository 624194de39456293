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
	"net/url"
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
	// Missing leaves out the kinds of which the service has a document already, so
	// that a second load writes nothing. Each may then be 0: nothing is written.
	Missing bool
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
	if l.Missing && l.Each == 0 {
		return 0, nil
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
	if w.kinds, err = w.choose(ctx, l.Missing); err != nil || len(w.kinds) == 0 {
		return 0, err
	}
	report := w.report(l.Progress)
	var workers sync.WaitGroup
	for range l.Parallel {
		workers.Go(func() { w.work(ctx) })
	}
	workers.Wait()
	written = int(w.written.Load())
	report(written == w.all())
	if written < w.all() {
		return written, fmt.Errorf("%w: %d of %d were: %w", ErrLoad, written, w.all(), context.Cause(ctx))
	}
	return written, nil
}

// A loader is one call of Load.
type loader struct {
	cfg           Config
	kinds         []kind // that are written
	each          int
	host          string
	client        http.Client
	next, written atomic.Int64
	fail          context.CancelCauseFunc
}

// all is how many documents there are to write.
func (w *loader) all() int { return w.each * len(w.kinds) }

// choose returns the kinds to write: all, or those of which the service lists no
// key.
func (w *loader) choose(ctx context.Context, missing bool) ([]kind, error) {
	var chosen []kind
	for k := range kinds {
		if missing {
			has, err := w.has(ctx, k)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrLoad, err)
			}
			if has {
				continue
			}
		}
		chosen = append(chosen, k)
	}
	return chosen, nil
}

// has reports whether the service has a document of a kind.
func (w *loader) has(ctx context.Context, k kind) (bool, error) {
	address := w.host + api + "keys?limit=1&pattern=" + url.QueryEscape(prefixes[k])
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, err
	}
	res, err := w.client.Do(req)
	if err != nil {
		return false, err
	}
	defer func() { _ = res.Body.Close() }()
	var list struct{ JSON []string }
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, &list); res.StatusCode != http.StatusOK || err != nil || list.JSON == nil {
		return false, fmt.Errorf("GET %s was answered %s, not with a list of keys: %.300s", address, res.Status, text)
	}
	return len(list.JSON) > 0, nil
}

// work writes documents until there are no more, or ctx ends.
func (w *loader) work(ctx context.Context) {
	for ctx.Err() == nil {
		i := int(w.next.Add(1)) - 1
		if i >= w.all() {
			return
		}
		if err := w.write(ctx, w.kinds[i%len(w.kinds)], 1+i/len(w.kinds)); err != nil {
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
	tell := func() { progress(int(w.written.Load()), w.all(), time.Since(began)) }
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
