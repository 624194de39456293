package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// The clients that are compared.
const (
	own      = "httpuser"
	reused   = "httpuser, ReuseResponses"
	fastHost = "fasthttp.HostClient"
	standard = "net/http"
)

func clientNames() []string { return []string{own, reused, fastHost, standard} }

// runClient makes requests with the client that is named first, to the address, by
// so many goroutines, for a time.
func runClient(args []string) error {
	users, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	length, err := time.ParseDuration(args[3])
	if err != nil {
		return err
	}
	get, err := clientOf(args[0], args[1], users)
	if err != nil {
		return err
	}
	end := time.Now().Add(length)
	errs := make([]error, users)
	var wg sync.WaitGroup
	for i := range users {
		wg.Go(func() {
			request := get()
			for errs[i] == nil && time.Now().Before(end) {
				errs[i] = request()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// clientOf returns what makes one user's requests.
func clientOf(name, address string, users int) (func() func() error, error) {
	url := "http://" + address + "/page"
	switch name {
	case own, reused:
		return func() func() error { return ofHTTPUser("http://"+address, name == reused) }, nil
	case fastHost:
		c := &fasthttp.HostClient{Addr: address, MaxConns: users, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
		return func() func() error { return ofFastHTTP(c, url) }, nil
	case standard:
		c := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: users, DisableCompression: true}}
		return func() func() error { return func() error { return getStandard(c, url) } }, nil
	}
	return nil, fmt.Errorf("no client %q", name)
}

func ofHTTPUser(host string, reuse bool) func() error {
	u := locustworker.NewStandaloneUser(context.Background(), locustworker.StandaloneConfig{Host: host})
	s, err := httpuser.New(u, httpuser.Config{ReuseResponses: reuse})
	return func() error {
		if err != nil {
			return err
		}
		r, err := s.Get(u.Context(), "/page")
		if err != nil {
			return err
		}
		return r.Err
	}
}

func ofFastHTTP(c *fasthttp.HostClient, url string) func() error {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	return func() error {
		req.SetRequestURI(url)
		return c.Do(req, resp)
	}
}

func getStandard(c *http.Client, url string) error {
	r, err := c.Get(url)
	if err != nil {
		return err
	}
	_, err = io.ReadAll(r.Body)
	return errors.Join(err, r.Body.Close())
}
