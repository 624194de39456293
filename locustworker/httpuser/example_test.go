package httpuser_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

type shopper struct{ httpuser.User }

func shopperClass() *locustworker.ClassOf[*shopper] {
	return httpuser.NewClass[shopper]("Shopper", httpuser.Config{Timeout: 10 * time.Second}).
		Task("read", 1, (*shopper).read)
}

func (s *shopper) OnStart(ctx context.Context) error {
	resp, err := s.Post(ctx, "/login", httpuser.JSON(map[string]string{"name": "ann"}))
	if err != nil || !resp.OK() {
		return err // the failed login is recorded; err is that the user was stopped
	}
	return s.SetHeader("Authorization", "Bearer "+string(resp.Body))
}

func (s *shopper) read(ctx context.Context) error {
	return s.Group("/articles/[id]", func() error {
		resp, err := s.REST(ctx, "GET", "/articles/17", httpuser.Check(func(r *httpuser.Response) error {
			if article, err := httpuser.Decode[struct{ Price int }](r); err != nil || article.Price == 0 {
				return errors.New("an article without a price")
			}
			return nil
		}))
		if err == nil {
			fmt.Println(resp.StatusCode, resp.OK())
		}
		return err
	})
}

func Example() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/login":
			io.WriteString(w, "secret")
		case r.Header.Get("Authorization") == "Bearer secret":
			io.WriteString(w, `{"name": "tea", "price": 3}`)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer srv.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	user := locustworker.NewStandaloneUser(ctx, locustworker.StandaloneConfig{
		Host:   srv.URL,
		Record: func(s locustworker.Sample) { fmt.Println(s.Type, s.Name, s.Length, s.Err) },
	})
	s, err := shopperClass().NewUser(user)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.OnStart(ctx); err != nil {
		fmt.Println(err)
	}
	if err := s.read(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// POST /login 6 <nil>
	// GET /articles/[id] 27 <nil>
	// 200 true
}

// A site is a server for the examples, and its users print their samples.
func site(handler http.HandlerFunc) (s *shopper, stop func()) {
	srv := httptest.NewServer(handler)
	user := locustworker.NewStandaloneUser(context.Background(), locustworker.StandaloneConfig{
		Host:   srv.URL,
		Record: func(s locustworker.Sample) { fmt.Println(s.Type, s.Name, s.Err) },
	})
	s, err := shopperClass().NewUser(user)
	if err != nil {
		panic(err)
	}
	return s, func() { s.Close(); srv.Close() }
}

// A struct that embeds User has the methods of a session, and may have OnStart, OnStop and fields of its own.
func ExampleUser() {
	s, stop := site(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone", http.StatusGone) })
	defer stop()
	r, err := s.Get(context.Background(), "/articles/17")
	fmt.Println(err) // none: a failed request is a sample
	fmt.Println(r.StatusCode, r.OK())
	// Output:
	// GET /articles/17 HTTPError('410 Client Error: Gone for url: /articles/17')
	// <nil>
	// 410 false
}

// The class of a user, with what its sessions are to do.
func ExampleNewClass() {
	class := httpuser.NewClass[shopper]("Shopper", httpuser.Config{Timeout: 5 * time.Second, MaxRedirects: -1}).
		Host("https://shop.example.org").
		Wait(locustworker.Between(time.Second, 3*time.Second)).
		Task("read", 1, (*shopper).read)
	info := locustworker.Describe(class)
	fmt.Println(info.Name, info.Host, info.Tasks[0].Name)
	// Output: Shopper https://shop.example.org read
}

// Check adds a demand to the usual ones.
func ExampleCheck() {
	s, stop := site(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })
	defer stop()
	hasPrice := httpuser.Check(func(r *httpuser.Response) error {
		if article, err := httpuser.Decode[struct{ Price int }](r); err != nil || article.Price == 0 {
			return errors.New("no price")
		}
		return nil
	})
	if _, err := s.Get(context.Background(), "/articles/17", httpuser.Name("/articles/[id]"), hasPrice); err != nil {
		panic(err)
	}
	// Output: GET /articles/[id] CatchResponseError('no price')
}

// Catch replaces the usual verdict: here a missing article is fine.
func ExampleCatch() {
	s, stop := site(http.NotFound)
	defer stop()
	_, err := s.Get(context.Background(), "/articles/17", httpuser.Catch(func(r *httpuser.Response) error {
		if r.StatusCode == http.StatusNotFound {
			return nil
		}
		return r.Err
	}))
	fmt.Println(err)
	// Output:
	// GET /articles/17 <nil>
	// <nil>
}

// A group is one row of several requests.
func ExampleSession_Group() {
	s, stop := site(func(http.ResponseWriter, *http.Request) {})
	defer stop()
	err := s.Group("checkout", func() error {
		if _, err := s.Post(context.Background(), "/cart"); err != nil {
			return err
		}
		_, err := s.Post(context.Background(), "/pay")
		return err
	})
	fmt.Println(err)
	// Output:
	// POST checkout <nil>
	// POST checkout <nil>
	// <nil>
}

// The parts of a page, loaded at the same time.
func ExampleSession_Parallel() {
	s, stop := site(func(http.ResponseWriter, *http.Request) {})
	defer stop()
	load := func(path string) func(*httpuser.Session) error {
		return func(s *httpuser.Session) error {
			_, err := s.Get(context.Background(), path)
			return err
		}
	}
	fmt.Println(s.Parallel(load("/style.css"), load("/logo.png")))
	// Unordered output:
	// GET /style.css <nil>
	// GET /logo.png <nil>
	// <nil>
}
