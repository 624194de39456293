package httpuser_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

type member struct {
	httpuser.User
	items []string
}

func (m *member) look(ctx context.Context) error {
	_, err := m.Get(ctx, "/"+m.items[0], httpuser.Name("/[item]"))
	return err
}

// TestNewClass: each user of the class is one of its own, with a session and what
// the setup gave it.
func TestNewClass(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	shared := []string{"tea"}
	class := httpuser.NewClass("Member", httpuser.Config{}, func(m *member) error {
		if m.Session == nil || m.Host() != srv.URL {
			t.Errorf("the setup gets %+v", m)
		}
		m.items = shared
		return nil
	}).Task("look", 2, (*member).look)
	var rows []string
	user := func(host string) *locustworker.User {
		return locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{
			Host: host, Record: func(s locustworker.Sample) { rows = append(rows, s.Name+" "+s.Err.Error()) },
		})
	}
	one, err1 := class.NewUser(user(srv.URL))
	two, err2 := class.NewUser(user(srv.URL))
	if err := errors.Join(err1, err2); err != nil || one == two || one.User == two.User || one.Session == two.Session {
		t.Fatalf("two users: %p, %p, %v", one, two, err)
	}
	if err := one.look(t.Context()); err != nil || len(rows) != 1 {
		t.Errorf("recorded %q, error %v", rows, err)
	}
	if _, err := class.NewUser(user("")); !errors.Is(err, httpuser.ErrConfig) {
		t.Errorf("without a host: %v", err)
	}
	bad := errors.New("bad")
	failing := httpuser.NewClass("Member", httpuser.Config{}, func(*member) error { return bad })
	if m, err := failing.NewUser(user(srv.URL)); !errors.Is(err, bad) || m != nil {
		t.Errorf("a setup that fails: %v, %v", m, err)
	}
	if info := locustworker.Describe(class); info.Name != "Member" || len(info.Tasks) != 1 || info.Tasks[0].Weight != 2 {
		t.Errorf("the class is %+v", info)
	}
}

// TestAPlainUser is enough for a class whose users have nothing of their own.
func TestAPlainUser(t *testing.T) {
	class := httpuser.NewClass[httpuser.User]("Plain", httpuser.Config{})
	u, err := class.NewUser(locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Host: "http://127.0.0.1"}))
	if err != nil || u.Session == nil || u.Rand() == nil {
		t.Errorf("%+v, %v", u, err)
	}
}
