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
