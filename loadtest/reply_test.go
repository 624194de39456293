package loadtest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

func TestChecks(t *testing.T) {
	u := &user{wantKey: `k"1`}
	plain := &user{wantKey: "k1"}
	for _, c := range []struct {
		check func(*httpuser.Response) error
		body  string
		want  error
	}{
		{checkObject, `{"status":"ok","json":{"a":1}}`, nil},
		{checkObject, `{"json":{"a":1},"status":"ok"}`, nil},
		{checkObject, `{"status":"ok","json":[1]}`, errNoObject},
		{checkObject, `{"status":"ok","json":}`, errNoObject},
		{checkObject, `{"status":"ok"}`, errNoObject},
		{checkObject, `{"status":"error","json":{}}`, errNotOK},
		{checkObject, `{"status":"ok","json":{"a":1}`, errNoObject},
		{checkObject, `{"status":"ok","json":{"a":1`, errNotOK},
		{checkObject, `oops`, errNotOK},
		{checkObject, ``, errNotOK},
		{checkList, `{"status":"ok","json":[]}`, nil},
		{checkList, `{"status":"ok","json":{}}`, errNoList},
		{checkValue, `{"status":"ok","json":0}`, nil},
		{checkValue, `{"status":"ok","json":null}`, errNoValue},
		{checkValue, `{"status":"ok"}`, errNoValue},
		{plain.checkKey, `{"status":"ok","json":"k1"}`, nil},
		{u.checkKey, `{"status":"ok","json":"k\"1"}`, nil},
		{u.checkKey, `{"status":"ok","json":"k\u00221"}`, nil},
		{u.checkKey, `{"status":"ok","json":"k"}`, errAnotherKey},
		{u.checkKey, `{"status":"no","json":"k"}`, errNotOK},
		{plain.checkStored, `{"status":"ok","key":"k1","json":{"a":1}}`, nil},
		{plain.checkStored, `{"status":"ok","json":{"a":1},"key":"k1"}`, nil},
		{u.checkStored, `{"status":"ok","key":"k\"1","json":{}}`, nil},
		{plain.checkStored, `{"status":"ok","json":{"a":1}}`, nil},
		{plain.checkStoredText, `{"status":"ok","json":"{}"}`, nil},
		{plain.checkStored, `{"status":"ok","json":[1]}`, errNoObject},
		{plain.checkStored, `{"status":"ok","key":"","json":{"a":1}}`, errAnotherKey},
		{plain.checkStored, `{"status":"ok","key":"k12","json":{"a":1}}`, errAnotherKey},
		{plain.checkStored, `{"status":"ok","key":"k1","json":[]}`, errNoObject},
		{plain.checkStored, `{"status":"ok","key":"k1"}`, errNoObject},
		{plain.checkStored, `{"error":"full"}`, errNotOK},
		{plain.checkStoredText, `{"status":"ok","key":"k1","json":"{}"}`, nil},
		{plain.checkStoredText, `{"status":"ok","key":"k1","json":{}}`, errNoText},
		{plain.checkStoredText, `{"status":"ok","key":"k2","json":"{}"}`, errAnotherKey},
		{checkText, `{"status":"ok","json":"{}"}`, nil},
		{checkText, `{"status":"ok","json":{}}`, errNoText},
	} {
		if err := c.check(&httpuser.Response{Body: []byte(c.body)}); !errors.Is(err, c.want) || err == nil && c.want != nil {
			t.Errorf("%s: %v, want %v", c.body, err, c.want)
		}
	}
}

func TestMember(t *testing.T) {
	for _, c := range []struct{ body, name, want string }{
		{`{"a":1}`, "a", "1"},
		{`{"a":1,"b":2}`, "b", "2"},
		{`{"x":{"a":[1,{"b":"]}"}],"c":3}}`, "a", `[1,{"b":"]}"}]`},
		{`{"a":"q\"}, \\","b":1}`, "a", `"q\"}, \\"`},
		{`{"t":"\"a\":7","a":8}`, "a", "8"},
		{`{"a":-1.5e3}`, "a", "-1.5e3"},
		{`{"a":1}`, "b", ""},
		{`{"aa":1}`, "a", ""},
		{`{"a":`, "a", ""},
		{`{"a":[1`, "a", ""},
	} {
		if got := string(member([]byte(c.body), c.name)); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.name, c.body, got, c.want)
		}
	}
}

// Whatever is valid JSON: member finds what a decoder finds.
func FuzzMember(f *testing.F) {
	for _, seed := range []string{`{"tags":[1,"]"]}`, `{"x":"\"tags\":","tags":{}}`, `{"tags":"\\"}`, `[]`, `{"tags":`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := member(body, fieldTags)
		var doc map[string]json.RawMessage
		if json.Unmarshal(body, &doc) != nil || strings.Count(string(body), `"tags"`) != 1 {
			return
		}
		value, ok := doc[fieldTags]
		if !ok || !strings.Contains(string(body), `"tags":`) {
			return // nested, or written with spaces, which the service does not
		}
		if want := strings.TrimSpace(string(value)); strings.TrimSpace(string(got)) != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	})
}

func TestOutgrown(t *testing.T) {
	long := strings.Repeat("x", maxGrown-2)
	for _, c := range []struct {
		field, value string
		want         bool
	}{
		{fieldBalance, "1", false},
		{fieldBalance, "1e12", false},
		{fieldBalance, "1000000000001", true},
		{fieldBalance, "1e-7", true},
		{fieldBalance, "0", true},
		{fieldBalance, "-5", true},
		{fieldBalance, `"text"`, false},
		{fieldAge, "99999999999999", false},
		{fieldAbout, `"` + long + `"`, false},
		{fieldAbout, `"` + long + `y"`, true},
		{fieldTags, `["a"]`, false},
		{fieldTags, `["` + long + `"]`, true},
	} {
		body := `{"status":"ok","json":{"id":"x","` + c.field + `":` + c.value + `}}`
		if got := outgrown([]byte(body), c.field); got != c.want {
			t.Errorf("%s %.20s: %v, want %v", c.field, c.value, got, c.want)
		}
	}
}
