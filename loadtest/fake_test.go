package loadtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A fakeAPI is the REST service in memory: enough of it to serve the tasks, and
// to check that they ask for what exists.
type fakeAPI struct {
	mu     sync.Mutex
	docs   map[string]map[string]any // of all kinds
	served map[string]int            // by method and route
	shapes map[string]bool           // of the bodies that came
	// broken answers all routes but that of the keys, when it is set.
	broken http.HandlerFunc
	// outgrown makes all documents so large that each change must be followed by
	// an update, and keeps them so.
	outgrown bool
	t        testing.TB
}

func newFakeAPI(t testing.TB, keys ...string) (*fakeAPI, string) {
	t.Helper()
	f := &fakeAPI{t: t, docs: map[string]map[string]any{}, served: map[string]int{}, shapes: map[string]bool{}}
	for _, key := range keys {
		f.docs[key] = sampleDocument(t, key)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/keys", f.keys)
	for route, h := range map[string]http.HandlerFunc{
		"GET /api/v1/doc/{id}":                 f.doc,
		"GET /api/v1/subdoc/{id}/{field}":      f.subdoc,
		"GET /api/v1/fields/{id}":              f.fields,
		"POST /api/v1/redisjson":               f.store,
		"PUT /api/v1/redisjson/update":         f.change("str", func(_, v any) any { return v }, true),
		"PUT /api/v1/redisjson/append":         f.change("str", func(old, v any) any { return old.(string) + v.(string) }, false),
		"PUT /api/v1/redisjson/appendarray":    f.change("arr", func(old, v any) any { return append(old.([]any), v.([]any)...) }, false),
		"PUT /api/v1/redisjson/increby":        f.change("num", func(old, v any) any { return number(old) + number(v) }, false),
		"PUT /api/v1/redisjson/multiby":        f.change("num", func(old, v any) any { return number(old) * number(v) }, false),
		"DELETE /api/v1/redisjson/delete/{id}": f.remove,
		"POST /api/v1/string":                  f.store,
		"GET /api/v1/string/{id}":              f.doc,
		"GET /api/v1/string/{id}/{field}":      f.subdoc,
		"PUT /api/v1/string/update":            f.change("str", func(_, v any) any { return v }, false),
		"POST /api/v1/hash":                    f.store,
		"GET /api/v1/hash/{id}":                f.doc,
		"PUT /api/v1/hash/update":              f.change("str", func(_, v any) any { return v }, false),
	} {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			if f.broken != nil {
				io.Copy(io.Discard, r.Body)
				f.broken(w, r)
				return
			}
			h(w, r)
		})
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		_, route := mux.Handler(r)
		f.served[route]++
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return f, srv.URL
}

// grow makes all documents larger than they may be.
func (f *fakeAPI) grow() {
	f.outgrown = true
	for _, doc := range f.docs {
		doc[fieldBalance], doc[fieldAbout] = 2*maxNumber, strings.Repeat("x", maxGrown)
		if stats, ok := doc["stats"].(map[string]any); ok {
			stats["speed"] = 2 * maxNumber
		}
		doc[fieldTags] = []any{strings.Repeat("x", maxGrown)}
	}
}

// sampleDocument is a document as it may be found: with the fields that its kind
// promises.
func sampleDocument(t testing.TB, key string) map[string]any {
	t.Helper()
	sample := `{"name":"n","age":30,"email":"e","city":"c","about":"a","balance":1.5,` +
		`"location":{"lat":1},"address":{"city":"c","geo":{"zip":"1"}},"company":{"name":"n","offices":[{"city":"c"}]},"tags":["t"]}`
	if k, _ := kindOf(key); k == complexKind || k == text {
		sample = string(complexDocument)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(sample), &doc); err != nil {
		t.Fatal(err)
	}
	doc["id"] = key
	return doc
}

func number(v any) float64 {
	switch n := v.(type) {
	case float64:
		return n
	case json.Number:
		f, err := n.Float64()
		if err != nil {
			panic(err)
		}
		return f
	}
	panic(fmt.Sprintf("%v is no number", v))
}

func (f *fakeAPI) reply(w http.ResponseWriter, key string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		f.t.Error(err)
	}
	if key != "" {
		fmt.Fprintf(w, `{"status":"ok","key":%q,"json":%s}`, key, text)
		return
	}
	fmt.Fprintf(w, `{"status":"ok","json":%s}`, text)
}

func (f *fakeAPI) notFound(w http.ResponseWriter, what string) {
	f.t.Errorf("asked for %s, which does not exist", what)
	http.Error(w, `{"error":"no such thing"}`, http.StatusNotFound)
}

func (f *fakeAPI) keys(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.FormValue("limit"))
	if err != nil {
		f.t.Error(err)
	}
	found := []string{}
	for key := range f.docs {
		if strings.HasPrefix(key, r.FormValue("pattern")) {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	f.reply(w, "", found[:min(limit, len(found))])
}

func (f *fakeAPI) doc(w http.ResponseWriter, r *http.Request) {
	if doc, ok := f.docs[r.PathValue("id")]; ok {
		f.reply(w, "", f.shown(r, doc))
		return
	}
	f.notFound(w, r.PathValue("id"))
}

// shown is a document as a route shows it: a string holds its text.
func (f *fakeAPI) shown(r *http.Request, doc map[string]any) any {
	if !strings.Contains(r.URL.Path, "/string") {
		return doc
	}
	text, err := json.Marshal(doc)
	if err != nil {
		f.t.Error(err)
	}
	return string(text)
}

func (f *fakeAPI) remove(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("id")
	if _, ok := f.docs[key]; !ok {
		f.notFound(w, key)
		return
	}
	delete(f.docs, key)
	f.reply(w, "", key)
}

func (f *fakeAPI) fields(w http.ResponseWriter, r *http.Request) {
	names := []string{}
	for name := range f.docs[r.PathValue("id")] {
		names = append(names, name)
	}
	f.reply(w, "", names)
}

func (f *fakeAPI) subdoc(w http.ResponseWriter, r *http.Request) {
	value := at(f.docs[r.PathValue("id")], r.PathValue("field"))
	if value == nil {
		f.notFound(w, r.PathValue("id")+" "+r.PathValue("field"))
		return
	}
	f.reply(w, "", value)
}

func (f *fakeAPI) store(w http.ResponseWriter, r *http.Request) {
	doc := f.body(r)
	key := doc["id"].(string)
	prefix, _, _ := strings.Cut(key, ":")
	f.note(r.URL.Path+" "+prefix, doc)
	f.docs[key] = doc
	if f.outgrown {
		f.grow()
	}
	f.reply(w, key, f.shown(r, doc))
}

func (f *fakeAPI) change(value string, apply func(old, v any) any, replyKey bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := f.body(r)
		key, field := body["key"].(string), body["field"].(string)
		f.note("PUT "+r.URL.Path+" "+field, body)
		old := at(f.docs[key], field)
		if old == nil {
			f.notFound(w, key+" "+field)
			return
		}
		if !f.outgrown {
			put(f.docs[key], field, apply(old, body[value]))
		}
		switch {
		case replyKey:
			f.reply(w, "", key)
		case strings.Contains(r.URL.Path, "/string"):
			f.reply(w, key, f.shown(r, f.docs[key]))
		default:
			f.reply(w, "", f.docs[key])
		}
	}
}

// steps takes a path apart: names, and numbers of elements.
func steps(path string) []string {
	return strings.FieldsFunc(path, func(c rune) bool { return strings.ContainsRune(".[]", c) })
}

// at is the value at a path, nil when there is none.
func at(value any, path string) any {
	for _, name := range steps(path) {
		value = step(value, name)
	}
	return value
}

func step(value any, name string) any {
	switch v := value.(type) {
	case map[string]any:
		return v[name]
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// put replaces the value of a member at a path.
func put(value any, path string, to any) {
	all := steps(path)
	for _, name := range all[:len(all)-1] {
		value = step(value, name)
	}
	value.(map[string]any)[all[len(all)-1]] = to
}

func (f *fakeAPI) body(r *http.Request) map[string]any {
	var v map[string]any
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		f.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		f.t.Errorf("%s %s: Content-Type %q", r.Method, r.URL, got)
	}
	return v
}

func (f *fakeAPI) note(what string, v any) { f.shapes[what+" "+shape(v)] = true }

// shape is a JSON value's structure without its contents.
func shape(v any) string {
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name, member := range v {
			names = append(names, name+":"+shape(member))
		}
		slices.Sort(names)
		return "{" + strings.Join(names, ",") + "}"
	case []any:
		var kinds []string
		for _, element := range v {
			kinds = append(kinds, shape(element))
		}
		slices.Sort(kinds)
		return "[" + strings.Join(slices.Compact(kinds), ",") + "]"
	case json.Number:
		if bytes.ContainsAny([]byte(v), ".eE") {
			return "float"
		}
		return "int"
	}
	return fmt.Sprintf("%T", v)
}
