package redisstore

import (
	"strings"
	"testing"

	"github.com/bandwing/bandwing/api"
)

// TestNumbersPassThrough holds what becomes of numbers that a float or 64 bits cannot hold. Strings and hashes keep the
// text; RedisJSON 2.8 itself keeps integers of 64 bits and makes floats of larger ones.
func TestNumbersPassThrough(t *testing.T) {
	ok := func(value string) string { return `{"status":"ok","json":` + value + `}` }
	const doc = `{"id":"k","a":9007199254740993,"b":18446744073709551615,"c":-9223372036854775808}`
	const big = `{"id":"s","a":123456789012345678901234567890,"b":1e400,"c":0.1000000000000000055511151231257827,"d":1E+2}`
	startREST(t, api.Config{}, openShared(t)).run(t, []step{
		{"POST", "redisjson", doc, 200, `{"status":"ok","key":"k","json":` + doc + `}`},
		{"GET", "doc/k", "", 200, ok(doc)},
		{"PUT", "redisjson/update", `{"key":"k","field":"a","str":9007199254740995}`, 200, ok(`"k"`)},
		{"GET", "subdoc/k/a", "", 200, ok(`9007199254740995`)},
		{"PUT", "redisjson/increby", `{"key":"k","field":"a","num":2}`, 200, ok(strings.Replace(doc, "740993", "740997", 1))},
		{"POST", "redisjson", `{"id":"k","a":123456789012345678901234567890}`, 200, `{"status":"ok","key":"k","json":{"id":"k","a":123456789012345678901234567890}}`},
		{"GET", "subdoc/k/a", "", 200, ok(`1.2345678901234568e29`)},
		{"POST", "redisjson", `{"a":1e400}`, 400, "out of range"},

		{"POST", "string", big, 200, `{"status":"ok","key":"s","json":"` + strings.ReplaceAll(big, `"`, `\"`) + `"}`},
		{"GET", "string/s/a", "", 200, ok(`123456789012345678901234567890`)},
		{"GET", "string/s/b", "", 200, ok(`1e400`)},
		{"POST", "hash", strings.Replace(big, `"s"`, `"h"`, 1), 200, `{"status":"ok","key":"h","json":{"id":"h","a":"123456789012345678901234567890","b":"1e400","c":"0.1000000000000000055511151231257827","d":"1E+2"}}`},
		{"GET", "hash/h/c", "", 200, ok(`"0.1000000000000000055511151231257827"`)},
	})
}

func TestOddDocuments(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	ok := func(value string) string { return `{"status":"ok","json":` + value + `}` }
	s := openShared(t)
	startREST(t, api.Config{MaxBody: 1 << 20}, s).run(t, []step{
		// RedisJSON takes 127 levels, a string 10000.
		{"POST", "redisjson", `{"id":"deep","a":` + nested(120) + `}`, 200, `{"status":"ok","key":"deep","json":{"id":"deep","a":` + nested(120) + `}}`},
		{"POST", "redisjson", nested(200), 400, "recursion limit"},
		{"POST", "redisjson", nested(100_000), 400, "recursion limit"},
		{"PUT", "redisjson/update", `{"key":"deep","field":"a","str":` + nested(200) + `}`, 400, "recursion limit"},
		{"POST", "string", nested(9_999)[:9_999], 400, "not one JSON value"},
		{"POST", "string", nested(100_000), 400, "10000"},
		{"POST", "hash", `{"a":` + nested(100_000) + `}`, 400, "10000"},

		{"POST", "redisjson", `{"id":"dup","a":1,"a":2}`, 200, `{"status":"ok","key":"dup","json":{"id":"dup","a":1,"a":2}}`},
		{"GET", "doc/dup", "", 200, ok(`{"id":"dup","a":2}`)},
		{"GET", "subdoc/dup/a", "", 200, ok(`2`)},
		{"POST", "redisjson", `{"id":"one","id":"two"}`, 200, `{"status":"ok","key":"two","json":{"id":"one","id":"two"}}`},
		{"POST", "string", `{"id":"dup2","a":1,"a":2}`, 200, `{"status":"ok","key":"dup2","json":"{\"id\":\"dup2\",\"a\":1,\"a\":2}"}`},
		{"GET", "string/dup2/a", "", 200, ok(`2`)},

		{"GET", "subdoc/dup/$.*", "", 200, ok(`["dup",2]`)},
		{"GET", "subdoc/dup/$.nope.*", "", 404, "nothing at"},
		{"POST", "string", `"` + strings.Repeat("x", 1<<20) + `"`, 413, "1048576 bytes"},
		{"POST", "hash", `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "1048576 bytes"},
		{"PUT", "string/update", `"` + strings.Repeat("x", 1<<20) + `"`, 413, "1048576 bytes"},
	})
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Redis did not survive: %v", err)
	}
}
