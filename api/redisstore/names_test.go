package redisstore

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/api"
)

// memberNames are names that some part on the way could take for something else: every printable ASCII character alone,
// and texts with what JSON, JSONPath, URLs and Lua escape.
func memberNames() []string {
	names := []string{
		"\\\\", "\\\\\\", "a\\", "\\a", "\\n", "\\u0041", "a\\b\\c", `\"`, `"\`, `a"b`, "it's", `"'`, `'"`, `\'"`, "['a']", `["a"]`, `"]`, "']",
		"a.b", "a[0]", "[0]", "$", "$.a", "$..a", "@", "*", ".", "..", "", "a b", " a", "a ", "  ", "%41", "%s", "%d", "a/b", "?x=1", "#x", "a+b",
		"\n", "\t", "\r\n", "\x00", "\x01", "\x1f", "\x7f", "é", "e\u0301", "größe", "日本", "😀", "👩‍👩‍👧", "\u00a0x", "\u2028", "\u200b", "\ufeff",
		"\U0010ffff", "ı", "ẞ", "א", "id ", "ID", strings.Repeat("n", 2000),
	}
	for c := ' '; c <= '~'; c++ {
		names = append(names, string(c))
	}
	return names
}

func quote(t *testing.T, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}

// plainPath writes the path to a member.
func plainPath(name string) string {
	return `["` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"]`
}

// same tells whether a reply is {"status":"ok","json":want}, compared as values.
func same(t *testing.T, reply, want string) bool {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(reply), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"status":"ok","json":`+want+`}`), &b); err != nil {
		t.Fatal(err)
	}
	return encode(t, a) == encode(t, b)
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEveryMemberNameThroughAllRoutes has each name in a document beside names that a wrong escape would take it for. All
// of them must stay as they are.
func TestEveryMemberNameThroughAllRoutes(t *testing.T) {
	r := startREST(t, api.Config{}, openShared(t))
	for _, name := range memberNames() {
		decoys := map[string]any{"other": 1.0}
		for _, decoy := range []string{
			strings.ReplaceAll(name, `\`, `\\`), strings.ReplaceAll(name, `"`, `\"`), plainPath(name), strings.TrimLeft(name, " "), quote(t, name),
		} {
			if decoy != name {
				decoys[decoy] = "decoy"
			}
		}
		document := func(value any) string {
			members := map[string]any{"id": "names"}
			for decoy, value := range decoys {
				members[decoy] = value
			}
			if value != nil {
				members[name] = value
			}
			return encode(t, members)
		}
		field, segment := quote(t, plainPath(name)), url.PathEscape(plainPath(name))
		change := func(member, value string) string {
			return `{"key":"names","field":` + field + `,"` + member + `":` + value + `}`
		}
		for _, st := range []step{
			{"POST", "redisjson", document("x"), 200, ""},
			{"GET", "subdoc/names/" + segment, "", 200, `"x"`},
			{"PUT", "redisjson/append", change("str", `"y"`), 200, document("xy")},
			{"PUT", "redisjson/update", change("str", `[]`), 200, `"names"`},
			{"PUT", "redisjson/appendarray", change("arr", `[1,{"a":"b"}]`), 200, document([]any{1, map[string]any{"a": "b"}})},
			{"PUT", "redisjson/appendarray", change("arr", `2`), 200, document([]any{1, map[string]any{"a": "b"}, 2})},
			{"PUT", "redisjson/update", change("str", `{"in":{}}`), 200, `"names"`},
			{"GET", "fields/names?path=" + url.QueryEscape(plainPath(name)), "", 200, `["in"]`},
			{"PUT", "redisjson/update", change("str", `20`), 200, `"names"`},
			{"PUT", "redisjson/increby", change("num", `2`), 200, document(22)},
			{"PUT", "redisjson/multiby", change("num", `0.5`), 200, document(11.0)},
			{"GET", "subdoc/names/" + segment, "", 200, `11.0`},
			{"PUT", "redisjson/append", change("str", `"y"`), 409, "not a string"},
			{"DELETE", "redisjson/delete/names?path=" + url.QueryEscape(plainPath(name)), "", 200, `"names"`},
			{"GET", "doc/names", "", 200, document(nil)},
			{"GET", "subdoc/names/" + segment, "", 404, "nothing at"},
			{"PUT", "redisjson/update", change("str", `1`), 404, "nothing at"},
			{"DELETE", "redisjson/delete/names?path=" + url.QueryEscape(plainPath(name)), "", 404, "nothing at"},
		} {
			status, body := r.do(t, st.method, "/api/v1/"+st.target, st.body)
			good := status == st.status
			if good && status == http.StatusOK && st.want != "" {
				good = same(t, body, st.want)
			} else if good {
				good = strings.Contains(body, st.want)
			}
			if !good {
				t.Errorf("%q: %s %s %.300s: %d %.300s, want %d %.300s", name, st.method, st.target, st.body, status, body, st.status, st.want)
			}
		}
	}
}

// TestEveryNameInStringsAndHashes is the same for the other two kinds of document.
func TestEveryNameInStringsAndHashes(t *testing.T) {
	r := startREST(t, api.Config{}, openShared(t))
	for _, name := range memberNames() {
		document := `{"id":"names",` + quote(t, name) + `:"x","` + "other" + `":"1"}`
		path, field := quote(t, plainPath(name)), quote(t, name)
		changed := strings.Replace(document, `:"x"`, `:"y"`, 1)
		steps := []step{
			{"POST", "string", document, 200, ""},
			{"GET", "string/names/" + url.PathEscape(plainPath(name)), "", 200, `"x"`},
			{"PUT", "string/update", `{"key":"names","field":` + path + `,"str":"y"}`, 200, ""},
			{"GET", "string/names", "", 200, quote(t, changed)},
		}
		if name != "" && strings.Trim(name, ".") != "" { // no part of a URL's path
			steps = append(steps, step{"GET", "hash/namesh/" + url.PathEscape(name), "", 200, `"x"`})
		}
		if name != "" {
			steps = append(steps, step{"PUT", "hash/update", `{"key":"namesh","field":` + field + `,"str":"y"}`, 200, strings.Replace(changed, "names", "namesh", 1)})
		}
		if status, body := r.do(t, "POST", "/api/v1/hash", strings.Replace(document, "names", "namesh", 1)); status != http.StatusOK {
			t.Errorf("%q: POST hash: %d %s", name, status, body)
		}
		for _, st := range steps {
			status, body := r.do(t, st.method, "/api/v1/"+st.target, st.body)
			if status != st.status || st.want != "" && !same(t, body, st.want) {
				t.Errorf("%q: %s %s %.300s: %d %.300s, want %d %.300s", name, st.method, st.target, st.body, status, body, st.status, st.want)
			}
		}
	}
}

// TestNamesDeepInADocument holds that a name that needs the whole document may be anywhere in a path.
func TestNamesDeepInADocument(t *testing.T) {
	s := openShared(t)
	set(t, s, "k", `{"a":[{"\\":{"n":1,"m":2}},{"\\":3}],"\\":{"\\":[1,2,3]}}`)
	for _, tc := range []struct{ field, want string }{
		{`a[0]["\\"].n`, `{"a":[{"\\":{"m":2}},{"\\":3}],"\\":{"\\":[1,2,3]}}`},
		{`a[1]["\\"]`, `{"a":[{"\\":{"m":2}},{}],"\\":{"\\":[1,2,3]}}`},
		{`\.\[-1]`, `{"a":[{"\\":{"m":2}},{}],"\\":{"\\":[1,2]}}`},
		{`\.\[0]`, `{"a":[{"\\":{"m":2}},{}],"\\":{"\\":[2]}}`},
		{`\.\[0]`, `{"a":[{"\\":{"m":2}},{}],"\\":{"\\":[]}}`},
		{`\`, `{"a":[{"\\":{"m":2}},{}]}`},
	} {
		if err := s.Delete(t.Context(), "k", path(t, tc.field)); err != nil {
			t.Errorf("%s: %v", tc.field, err)
		}
		if got := document(t, s, "k"); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.field, got, tc.want)
		}
	}
}

// TestNumbersStayIn64Bits holds that RedisJSON's integers do not wrap around, at paths of each kind.
func TestNumbersStayIn64Bits(t *testing.T) {
	const (
		most  = "9223372036854775807"
		least = "-9223372036854775808"
	)
	s := openShared(t)
	r := startREST(t, api.Config{}, s)
	for _, tc := range []struct{ route, old, num, want string }{
		{"increby", most, "1", ""},
		{"increby", least, "-1", ""},
		{"increby", "1", most, ""},
		{"increby", most, most, ""},
		{"increby", least, least, ""},
		{"increby", most, "-1", "9223372036854775806"},
		{"increby", most, "0", most},
		{"increby", most, least, "-1"},
		{"increby", "9223372036854775806", "1", most},
		{"increby", "-9223372036854775807", "-1", least},
		{"increby", "999999999999999999", "999999999999999999", "1999999999999999998"},
		{"increby", "1", "2", "3"},
		{"increby", most, "1.0", "9.223372036854776e18"},
		{"increby", "18446744073709551615", "1", "1.8446744073709552e19"},
		{"increby", "1", "18446744073709551615", "1.8446744073709552e19"},
		{"increby", "0.1000000000000000055", "2", "2.1"},
		{"multiby", most, "2", ""},
		{"multiby", "2", most, ""},
		{"multiby", "3037000500", "3037000500", ""},
		{"multiby", least, "-1", ""},
		{"multiby", "4611686018427387904", "2", ""},
		{"multiby", "4611686018427387904", "-2", least},
		{"multiby", "3037000499", "3037000499", "9223372030926249001"},
		{"multiby", most, "0", "0"},
		{"multiby", most, "-1", "-" + most},
		{"multiby", "4611686018427387904", "2.0", "9.223372036854776e18"},
		{"multiby", "6", "7", "42"},
	} {
		for field, form := range map[string]string{
			"a": `{"a":%}`, "$.a": `{"a":%}`, `["\\"]`: `{"\\":%}`, "$..n": `{"n":1,"x":[{"n":%},{"n":"text"}],"n2":` + most + `}`,
		} {
			set(t, s, "k", strings.Replace(form, "%", tc.old, 1))
			before := document(t, s, "k")
			status, body := r.do(t, "PUT", "/api/v1/redisjson/"+tc.route, `{"key":"k","field":`+quote(t, field)+`,"num":`+tc.num+`}`)
			after := document(t, s, "k")
			switch {
			case tc.want == "" && (status != http.StatusConflict || !strings.Contains(body, "64-bit") || after != before):
				t.Errorf("%s %s by %s at %s: %d %s, %s", tc.route, tc.old, tc.num, field, status, body, after)
			case tc.want != "" && field == "$..n" && (status != http.StatusOK && tc.num != most || strings.Contains(after, "-") && !strings.Contains(tc.want, "-") && tc.num[0] != '-'):
				t.Errorf("%s %s by %s at %s: %d %s, %s", tc.route, tc.old, tc.num, field, status, body, after)
			case tc.want != "" && field != "$..n" && (status != http.StatusOK || after != strings.Replace(form, "%", tc.want, 1)):
				t.Errorf("%s %s by %s at %s: %d %s, %s", tc.route, tc.old, tc.num, field, status, body, after)
			}
		}
	}
}

// TestConcurrentIncrementsNearTheLimit holds that none is lost where each result is calculated before it is sent.
func TestConcurrentIncrementsNearTheLimit(t *testing.T) {
	s := openShared(t)
	for _, field := range []string{"a", `\`} {
		set(t, s, "k", `{"a":9223372036854775707,"\\":9223372036854775707}`)
		const users, each = 8, 15
		results := make(chan error, users*each)
		for range users {
			go func() {
				for range each {
					_, err := s.IncrBy(t.Context(), "k", path(t, field), json.RawMessage("1"))
					results <- err
				}
			}()
		}
		var counted int
		for range users * each {
			if err := <-results; err == nil {
				counted++
			} else if !strings.Contains(err.Error(), "64-bit") {
				t.Error(err)
			}
		}
		got, err := s.Get(t.Context(), "k", path(t, field))
		if err != nil || counted != 100 || string(got) != "9223372036854775807" {
			t.Errorf("%s: %d increments, %s, %v", field, counted, got, err)
		}
	}
}

// TestJSONPathsThatRedisJSONWouldMistake holds that they are refused where they would change another member.
func TestJSONPathsThatRedisJSONWouldMistake(t *testing.T) {
	const doc = `{"\\":1,"\\\\":2}`
	s := openShared(t)
	set(t, s, "k", doc)
	r := startREST(t, api.Config{}, s)
	field := quote(t, `$["\\"]`)
	var steps []step
	for route, member := range map[string]string{
		"update": `"str":1`, "append": `"str":"a"`, "appendarray": `"arr":1`, "increby": `"num":1`, "multiby": `"num":2`,
	} {
		steps = append(steps, step{"PUT", "redisjson/" + route, `{"key":"k","field":` + field + `,` + member + `}`, 400, "plain path"})
	}
	slices.SortFunc(steps, func(a, b step) int { return strings.Compare(a.target, b.target) })
	r.run(t, append(steps,
		step{"DELETE", "redisjson/delete/k?path=" + url.QueryEscape(`$["\\"]`), "", 400, "plain path"},
		step{"GET", "subdoc/k/" + url.PathEscape(`$["\\"]`), "", 200, `{"status":"ok","json":[1]}`},
		step{"GET", "doc/k", "", 200, `{"status":"ok","json":` + doc + `}`},
	))
}
