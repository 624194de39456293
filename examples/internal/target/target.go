// Package target is a web shop for the examples to test: it counts what it serves,
// under the names that the examples give their rows.
package target

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
)

const page = `<html><link href="/a.css"><script src="/b.js"></script><img src="/c.png"><img src="/d.png"></html>`

// A Target is the shop's handler. It is safe for concurrent use.
type Target struct {
	mux *http.ServeMux

	mu     sync.Mutex
	counts map[string]int
	logins map[string]int
}

// New returns a target that has served nothing yet.
func New() *Target {
	x := &Target{mux: http.NewServeMux(), counts: map[string]int{}, logins: map[string]int{}}
	x.mux.HandleFunc("POST /login", x.logIn)
	x.open("GET /{$}", "GET /", page)
	for _, part := range []string{"/a.css", "/b.js", "/c.png", "/d.png"} {
		x.open("GET "+part, "GET "+part, "x")
	}
	x.open("POST /vouchers/{code}", "POST /vouchers/[code]", "")
	x.closed("GET /articles/{id}", "GET /articles/[id]", `{"price": 9.5}`)
	x.closed("GET /search", "GET /search", `[]`)
	x.closed("PUT /cart", "PUT /cart", `{}`)
	x.closed("POST /pay", "POST /pay", `{}`)
	return x
}

// ServeHTTP implements http.Handler.
func (x *Target) ServeHTTP(w http.ResponseWriter, r *http.Request) { x.mux.ServeHTTP(w, r) }

// Served returns how often each row's requests were served.
func (x *Target) Served() map[string]int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return maps.Clone(x.counts)
}

// Logins returns how often each account has logged in.
func (x *Target) Logins() map[string]int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return maps.Clone(x.logins)
}

func (x *Target) count(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.counts[name]++
}

// open answers everybody.
func (x *Target) open(pattern, name, answer string) {
	x.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
		x.count(name)
		_, _ = w.Write([]byte(answer))
	})
}

// closed answers who has a token.
func (x *Target) closed(pattern, name, answer string) {
	x.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		x.count(name)
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer token-of-") {
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(answer))
	})
}

// logIn takes the accounts of examples/shop/accounts.csv.
func (x *Target) logIn(w http.ResponseWriter, r *http.Request) {
	x.count("POST /login")
	var login struct{ Name, Password string }
	if err := json.NewDecoder(r.Body).Decode(&login); err != nil || login.Name == "" || login.Password != login.Name[:1]+"-secret" {
		http.Error(w, "wrong password", http.StatusForbidden)
		return
	}
	x.mu.Lock()
	x.logins[login.Name]++
	x.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]string{"token": "token-of-" + login.Name})
}
