package redisstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/api"
)

const sample = `{"id":"k","age":1,"name":"Ann","arr":[1,{"a":2}],"o":{"p":{"age":9}},"none":null,"a.b":{"x y":"z"}}`

func TestGet(t *testing.T) {
	s := openShared(t)
	set(t, s, "k", sample)
	set(t, s, "scalar", `[7]`)
	for _, tc := range []struct{ key, path, want string }{
		{"k", ".", sample},
		{"k", "$", "[" + sample + "]"},
		{"k", "age", "1"},
		{"k", "name", `"Ann"`},
		{"k", "none", "null"},
		{"k", "arr[-1].a", "2"},
		{"k", `["a.b"].x y`, `"z"`},
		{"k", "$.age", "[1]"},
		{"k", "$..age", "[1,9]"},
		{"k", "$.arr[*]", `[1,{"a":2}]`},
		{"scalar", ".", "[7]"},
		{"scalar", "[0]", "7"},
	} {
		got, err := s.Get(t.Context(), tc.key, path(t, tc.path))
		if err != nil || string(got) != tc.want {
			t.Errorf("Get(%s, %s) = %s, %v, want %s", tc.key, tc.path, got, err, tc.want)
		}
	}
}

func TestDocumentsComeBackAsTheyWere(t *testing.T) {
	s := openShared(t)
	for _, doc := range []string{
		`{}`, `[]`, `[[]]`, `""`, `"x"`, `7`, `-0.5`, `true`, `null`, `{"a":{"b":[1,2,{"c":null}]}}`,
		`{"i":9223372036854775807,"n":-9223372036854775808}`, `{"s":"\u0000\n\"\\é😀"}`, `{"pad":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		set(t, s, "k", doc)
		if got := document(t, s, "k"); !sameJSON(t, got, doc) {
			t.Errorf("%.80s came back as %.80s", doc, got)
		}
	}
}

// sameJSON compares values and keeps numbers as they are written.
func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	parse := func(text string) (v any) {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%.80q: %v", text, err)
		}
		return v
	}
	return reflect.DeepEqual(parse(a), parse(b))
}

func TestFields(t *testing.T) {
	s := openShared(t)
	set(t, s, "k", `{"a":1,"o":{"p":{},"q":2},"b c":[{"z":1},5]}`)
	for _, tc := range []struct {
		path string
		want [][]string
	}{
		{".", [][]string{{"a", "o", "b c"}}},
		{"o", [][]string{{"p", "q"}}},
		{"o.p", [][]string{{}}},
		{"b c[0]", [][]string{{"z"}}},
		{"$", [][]string{{"a", "o", "b c"}}},
		{"$.*", [][]string{nil, {"p", "q"}, nil}},
	} {
		got, err := s.Fields(t.Context(), "k", path(t, tc.path))
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("Fields(%s) = %q, %v, want %q", tc.path, got, err, tc.want)
		}
	}
}

func TestUpdate(t *testing.T) {
	s := openShared(t)
	for _, tc := range []struct{ path, value, want string }{
		{"a", `{"x":[1,"y"]}`, `{"a":{"x":[1,"y"]},"o":{"a":2}}`},
		{"o.a", `null`, `{"a":1,"o":{"a":null}}`},
		{"$..a", `"s"`, `{"a":"s","o":{"a":"s"}}`},
		{".", `[3]`, `[3]`},
	} {
		set(t, s, "k", `{"a":1,"o":{"a":2}}`)
		err := s.Update(t.Context(), "k", path(t, tc.path), json.RawMessage(tc.value))
		if got := document(t, s, "k"); err != nil || got != tc.want {
			t.Errorf("Update(%s): %v, document %s, want %s", tc.path, err, got, tc.want)
		}
	}
}

func TestDelete(t *testing.T) {
	s := openShared(t)
	set(t, s, "k", `{"a":1,"l":[1,2],"o":{"a":2}}`)
	for _, tc := range []struct{ path, want string }{
		{"l[0]", `{"a":1,"l":[2],"o":{"a":2}}`},
		{"$..a", `{"l":[2],"o":{}}`},
	} {
		err := s.Delete(t.Context(), "k", path(t, tc.path))
		if got := document(t, s, "k"); err != nil || !sameJSON(t, got, tc.want) {
			t.Errorf("Delete(%s): %v, document %s, want %s", tc.path, err, got, tc.want)
		}
	}
	if err := s.Delete(t.Context(), "k", api.Path{}); err != nil {
		t.Error(err)
	}
	if n := s.client.Exists(t.Context(), "k").Val(); n != 0 {
		t.Error("the key is still there")
	}
}

func TestModify(t *testing.T) {
	s := openShared(t)
	type modify func(key string, p api.Path, value json.RawMessage) (json.RawMessage, error)
	appendString := func(key string, p api.Path, v json.RawMessage) (json.RawMessage, error) {
		return s.AppendString(t.Context(), key, p, v)
	}
	appendArray := func(key string, p api.Path, v json.RawMessage) (json.RawMessage, error) {
		return s.AppendArray(t.Context(), key, p, []json.RawMessage{v, json.RawMessage(`{"e":[]}`)})
	}
	incrBy := func(key string, p api.Path, v json.RawMessage) (json.RawMessage, error) {
		return s.IncrBy(t.Context(), key, p, v)
	}
	multBy := func(key string, p api.Path, v json.RawMessage) (json.RawMessage, error) {
		return s.MultBy(t.Context(), key, p, v)
	}
	for _, tc := range []struct {
		name              string
		modify            modify
		path, value, want string
	}{
		{"string", appendString, "s", `"\"é"`, `{"s":"ab\"é","l":[],"n":5,"o":{"n":2.5,"s":"c","l":["z"]}}`},
		{"strings", appendString, "$..s", `"x"`, `{"s":"abx","l":[],"n":5,"o":{"n":2.5,"s":"cx","l":["z"]}}`},
		{"some strings", appendString, "$.*", `"x"`, `{"s":"abx","l":[],"n":5,"o":{"n":2.5,"s":"c","l":["z"]}}`},
		{"array", appendArray, "o.l", `1`, `{"s":"ab","l":[],"n":5,"o":{"n":2.5,"s":"c","l":["z",1,{"e":[]}]}}`},
		{"arrays", appendArray, "$..l", `1`, `{"s":"ab","l":[1,{"e":[]}],"n":5,"o":{"n":2.5,"s":"c","l":["z",1,{"e":[]}]}}`},
		{"incr", incrBy, "n", `-7`, `{"s":"ab","l":[],"n":-2,"o":{"n":2.5,"s":"c","l":["z"]}}`},
		{"incr many", incrBy, "$..n", `1`, `{"s":"ab","l":[],"n":6,"o":{"n":3.5,"s":"c","l":["z"]}}`},
		{"incr some", incrBy, "$.*", `1`, `{"s":"ab","l":[],"n":6,"o":{"n":2.5,"s":"c","l":["z"]}}`},
		{"mult", multBy, "o.n", `4`, `{"s":"ab","l":[],"n":5,"o":{"n":10.0,"s":"c","l":["z"]}}`},
	} {
		set(t, s, "k", `{"s":"ab","l":[],"n":5,"o":{"n":2.5,"s":"c","l":["z"]}}`)
		got, err := tc.modify("k", path(t, tc.path), json.RawMessage(tc.value))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %s, %v, want %s", tc.name, got, err, tc.want)
		}
		if stored := document(t, s, "k"); stored != string(got) {
			t.Errorf("%s: returned %s, stored %s", tc.name, got, stored)
		}
	}
}

// TestModifyReturnsItsOwnChange holds that the document comes from right after the change, whoever else is at it.
func TestModifyReturnsItsOwnChange(t *testing.T) {
	s := openShared(t)
	set(t, s, "k", `{"n":0}`)
	const workers, each = 8, 50
	results := make(chan string, workers*each)
	errs := make(chan error, workers)
	for range workers {
		go func() {
			for range each {
				got, err := s.IncrBy(t.Context(), "k", path(t, "n"), json.RawMessage("1"))
				if err != nil {
					errs <- err
					return
				}
				results <- string(got)
			}
			errs <- nil
		}()
	}
	for range workers {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	close(results)
	seen := map[string]bool{}
	for got := range results {
		seen[got] = true
	}
	for n := 1; n <= workers*each; n++ {
		if want := fmt.Sprintf(`{"n":%d}`, n); !seen[want] {
			t.Errorf("nobody got %s", want)
		}
	}
}

func TestKeys(t *testing.T) {
	s := openShared(t)
	names := []string{
		"user:1", "user:2", "user:3", "us", "a*1", "ab1", `q?[x]\1`, "q1", "größe:1", "bad\xff1", "", "xuser:1",
	}
	for _, name := range names {
		if err := s.client.Set(t.Context(), name, "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		prefix string
		want   []string
	}{
		{"user:", []string{"user:1", "user:2", "user:3"}},
		{"a*", []string{"a*1"}},
		{"*", []string{}},
		{`q?[x]\`, []string{`q?[x]\1`}},
		{"q?", []string{`q?[x]\1`}},
		{"größe", []string{"größe:1"}},
		{"bad", []string{}},
		{"none", []string{}},
		{"", []string{"", `a*1`, "ab1", "größe:1", "q1", `q?[x]\1`, "us", "user:1", "user:2", "user:3", "xuser:1"}},
	} {
		got, err := s.Keys(t.Context(), tc.prefix, 100)
		slices.Sort(got)
		if err != nil || got == nil || !slices.Equal(got, tc.want) {
			t.Errorf("Keys(%q) = %q, %v, want %q", tc.prefix, got, err, tc.want)
		}
	}
}

func TestKeysOfManyPages(t *testing.T) {
	s := openShared(t)
	const wanted, others = 3000, 3000
	pipe := s.client.Pipeline()
	for i := range wanted {
		pipe.Set(t.Context(), fmt.Sprintf("basicUser:%d", i), 1, 0)
	}
	for i := range others {
		pipe.Set(t.Context(), fmt.Sprintf("other:%d", i), 1, 0)
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ limit, want int }{{1, 1}, {10, 10}, {2999, 2999}, {3000, 3000}, {100_000, 3000}} {
		got, err := s.Keys(t.Context(), "basicUser", tc.limit)
		distinct := map[string]bool{}
		for _, key := range got {
			distinct[key] = strings.HasPrefix(key, "basicUser:")
		}
		if err != nil || len(got) != tc.want || len(distinct) != tc.want {
			t.Errorf("Keys with limit %d: %d keys, %d distinct, %v", tc.limit, len(got), len(distinct), err)
		}
	}
}

// TestPlainPathsReachEveryName holds the quoting of names against the real module.
func TestPlainPathsReachEveryName(t *testing.T) {
	s := openShared(t)
	names := []string{
		"a b", "größe", "1st", "a-b", "$p", "@", "it's", `say "hi"`, `back\slash`, `\`, `"`, `\"`, "a*", "日本", "😀", "a,b", "a:b",
		"(a)", "?x", "a=b", "tab\there", "new\nline", "null", "true", "and", "length", "_x", "-1", "0", "\u007f", "#", "%41", "/",
	}
	doc := map[string]int{}
	for i, name := range names {
		doc[name] = i
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	set(t, s, "k", string(raw))
	for i, name := range names {
		got, err := s.Get(t.Context(), "k", path(t, name))
		if err != nil || string(got) != fmt.Sprint(i) {
			t.Errorf("Get(%q as %s) = %s, %v, want %d", name, path(t, name), got, err, i)
		}
	}
	set(t, s, "k", `{"a.b":1,"":2,"[x]":3,"*":4,"'\"\\":5}`)
	for text, want := range map[string]string{
		`["a.b"]`: "1", `[""]`: "2", `['']`: "2", `["[x]"]`: "3", `["*"]`: "4", `['\'"\\']`: "5", `["'\"\\"]`: "5",
	} {
		got, err := s.Get(t.Context(), "k", path(t, text))
		if err != nil || string(got) != want {
			t.Errorf("Get(%s) = %s, %v, want %s", text, got, err, want)
		}
	}
}

// TestQuotedPathsReachEveryName does the same for names of characters that mean something in a path, nested, and
// checks that nothing else is reached.
func TestQuotedPathsReachEveryName(t *testing.T) {
	s := openShared(t)
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("a.[]\"'\\$@*?()<>=!&|~, :;-_0\n\t\x01é日😀{}#%/")
	for range 3000 {
		runes := make([]rune, random.IntN(6))
		for i := range runes {
			runes[i] = alphabet[random.IntN(len(alphabet))]
		}
		name := string(runes)
		text := `["` + quote.Replace(name) + `"]`
		p, err := api.ParsePath(text + text)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(map[string]any{name: map[string]int{name: 7, name + "x": 8}, name + "x": 9})
		if err != nil {
			t.Fatal(err)
		}
		set(t, s, "k", string(doc))
		if got, err := s.Get(t.Context(), "k", p); err != nil || string(got) != "7" {
			t.Errorf("Get(%q as %s) = %s, %v", name, p, got, err)
		}
	}
}

func TestConfig(t *testing.T) {
	_, err := New(Config{Addr: ":6379", Username: "u", DB: -1, PoolSize: -1, Timeout: -1, DialTimeout: -1, ScanTimeout: -1})
	for _, fault := range []string{"Addr", "Username", "DB", "PoolSize", "Timeout is", "DialTimeout", "ScanTimeout"} {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%v does not name %s", err, fault)
		}
	}
	for says, cfg := range map[string]Config{
		`Addr is ""`:       {},
		"choose one":       {Cluster: []string{"a:1"}, Sentinel: Sentinel{Master: "m", Addrs: []string{"a:1"}}},
		"database 0 only":  {Cluster: []string{"a:1"}, DB: 1},
		`Addr is "b"`:      {Cluster: []string{"a:1", "b"}},
		`"m" has no Addrs`: {Sentinel: Sentinel{Master: "m"}},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want a fault that says %s", cfg, err, says)
		}
	}
}

func TestAClosedStoreIsUnavailable(t *testing.T) {
	s := open(t, Config{Addr: shared.Addr})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "k", api.Path{}); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("Get: %v", err)
	}
}
