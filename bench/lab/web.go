package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// timeout is how long anything may take that is waited for.
const timeout = 60 * time.Second

// A Web is the URL of a program that answers HTTP, such as a master's web UI.
type Web string

// Swarm starts a run of so many users, all at once, with further fields of the form.
func (w Web) Swarm(ctx context.Context, users int, host string, more url.Values) error {
	form := url.Values{"user_count": {fmt.Sprint(users)}, "spawn_rate": {fmt.Sprint(users)}, "host": {host}}
	for name, values := range more {
		form[name] = values
	}
	return w.post(ctx, "/swarm", form)
}

// Stop ends a run.
func (w Web) Stop(ctx context.Context) error { return w.post(ctx, "/stop", nil) }

// post sends a form of the web UI.
func (w Web) post(ctx context.Context, path string, form url.Values) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(w)+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var reply struct {
		Success bool
		Message string
	}
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		return fmt.Errorf("%s%s: %s: %w", w, path, res.Status, err)
	}
	if !reply.Success {
		return fmt.Errorf("%s%s: %s %q", w, path, res.Status, reply.Message)
	}
	return nil
}

// Await asks for a page until it is there and check takes it, if there is one. The page is JSON that is decoded into
// reply, unless that is nil.
func (w Web) Await(ctx context.Context, path string, reply any, check func() error) error {
	for deadline := time.Now().Add(timeout); ; time.Sleep(100 * time.Millisecond) {
		body, err := w.Get(ctx, path)
		if err == nil && reply != nil {
			err = json.Unmarshal(body, reply)
		}
		if err == nil && check != nil {
			err = check()
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline):
			return fmt.Errorf("waited %v for %s%s: %w", timeout, w, path, err)
		}
	}
}

// Get returns a page.
func (w Web) Get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, string(w)+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, errors.New(res.Status)
	}
	return io.ReadAll(res.Body)
}
