package stats

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNormalizeErrorKeepsWhatMatters(t *testing.T) {
	for _, text := range []string{
		"",
		"404 Client Error: Not Found for url: /api/v1/get_json",
		"500 Server Error: Internal Server Error for url: http://localhost:5000/api/v1/doc/a",
		"code=404",
		"LocustBadStatusCode(code=404)",
		"ConnectionRefusedError(111, 'Connection refused')",
		"gaierror(-2, 'Name or service not known')",
		"RetriesExceeded('http://api:5000/x', 0, original=timed out)",
		"HTTPParseError('Expected HTTP/, RTSP/ or ICE/', 8)",
		"CatchResponseError('Redirection limit reached (30)')",
		"dial tcp: lookup api.example.com: no such host",
		"json: cannot unmarshal string into Go struct field doc.age of type int",
		"unexpected status 503, want 200 within 1500 ms",
		"HTTP/1.1 needs 12345 bytes, go1.26.8, redis 7.4.10",
		"wait 12:30:45, ratio 0.125, version 1.2.3",
		"std::bad_alloc a::b defaced facade added",
		"WRONGTYPE Operation against a key holding the wrong kind of value",
		"über ünïcode: 失敗 42",
		"port 6379, port=5000, :8080",
		"exit status 0xff",
		// As Python says it, with what was asked for: the rows of both merge.
		`ReadTimeout(ReadTimeoutError("HTTPConnectionPool(host='127.0.0.1', port=5000): Read timed out. (read timeout=60)"))`,
		`ReadTimeoutError("HTTPSConnectionPool(host='10.20.30.40', port=443): Read timed out.")`,
		`EmptyPoolError("HTTPConnectionPool(host='::1', port=80): Pool is empty and a new connection can't be opened due to blocking mode.")`,
		`CatchResponseError('HTTPConnectionPool(host=\'10.0.0.1\', port=80): "x"')`,
		"ConnectTimeoutError('Connection to 10.0.0.1 timed out. (connect timeout=5)')",
		"RetriesExceeded('http://192.168.1.17:5000/x', 0, original=timed out)",
		"RetriesExceeded('http://[fe80::1]:5000/x', 0, original=timed out)",
		"ConnectionError('Error 111 connecting to 127.0.0.1:6379. Connection refused.')",
		"host=10.0.0.1",
	} {
		if got := NormalizeError(text, 0); got != text {
			t.Errorf("NormalizeError(%q) = %q, want it unchanged", text, got)
		}
	}
}

// Conformance: ER3
func TestNormalizeErrorReplacesWhatVaries(t *testing.T) {
	for text, want := range map[string]string{
		"read tcp 127.0.0.1:54321->127.0.0.1:5000: read: connection reset by peer": "read tcp <ip>:<port>-><ip>:5000: read: connection reset by peer",
		"read tcp 10.0.0.1:1025->10.0.0.2:443: i/o timeout":                        "read tcp <ip>:<port>-><ip>:443: i/o timeout",
		"read tcp [::1]:40312->[::1]:5000: read: broken pipe":                      "read tcp [<ip>]:<port>->[<ip>]:5000: read: broken pipe",
		"write tcp [fe80::1%eth0]:1->[fe80::2%eth0]:80: EOF":                       "write tcp [<ip>]:<port>->[<ip>]:80: EOF",
		"dial tcp 192.168.1.17:5000: connect: connection refused":                  "dial tcp <ip>:5000: connect: connection refused",
		"dial tcp localhost:43210: connect: connection refused":                    "dial tcp localhost:<port>: connect: connection refused",
		"no route to 2001:db8::8a2e:370:7334: gone":                                "no route to <ip>: gone",
		"host='10.1.2.3', port=54321":                                              "host='10.1.2.3', port=<port>",
		"http://10.1.2.3:54321/x, localhost='10.1.2.3', remote_host=10.1.2.3":      "http://10.1.2.3:<port>/x, localhost='<ip>', remote_host=<ip>",
		"connection to 10.1.2.3 from 10.1.2.4":                                     "connection to 10.1.2.3 from <ip>",
		"host 10.1.2.3 host='a 10.1.2.3' http:/10.1.2.3":                           "host <ip> host='a <ip>' http:/<ip>",
		"Port: 65535 in use":                                     "Port: <port> in use",
		"<Session object at 0x7f3a>":                             "<Session object at 0x....>",
		"invalid memory address 0xc000123456":                    "invalid memory address 0x....",
		"no document 3b241101-e2bb-4255-8caf-4136c566a962!":      "no document <uuid>!",
		"key basicUser:1234567 missing":                          "key basicUser:<n> missing",
		"key user1234567x missing":                               "key user<n>x missing",
		"key a1z1234567 missing":                                 "key <id> missing",
		"worker host_0123456789abcdef0123456789abcdef":           "worker host_<hex>",
		"goroutine 17 [running]:":                                "goroutine <n> [running]:",
		"took 1.234567ms, then 0.00001 s":                        "took <n>ms, then <n> s",
		"at 2026-11-23T15:42:09.123456Z and 2026-11-23 15:42:09": "at <time> and <time>",
		"since 2026-11-23T15:42:09+01:00, epoch 1795448529":      "since <time>, epoch <n>",
		"bad \xff\xfe byte":                                      "bad \uFFFD byte",
	} {
		if got := NormalizeError(text, 0); got != want {
			t.Errorf("NormalizeError(%q)\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestNormalizeErrorCuts(t *testing.T) {
	for _, test := range []struct {
		text   string
		maxLen int
		want   string
	}{
		{strings.Repeat("x", 1000), 0, strings.Repeat("x", 1000)},
		{strings.Repeat("x", 1001), 0, strings.Repeat("x", 997) + "…"},
		{strings.Repeat("x", 1001), -5, strings.Repeat("x", 997) + "…"},
		{"0123456789", 10, "<n>"},
		{"abcdefghijk", 10, "abcdefg…"},
		{"abcdeäöüäöü", 10, "abcde" + "ä…"},
		{"abcdeföü", 11, "abcdeföü"[:10]},
		{"abcdef", 2, "ab"},
		{"äöü", 1, ""},
		{"äöü", math.MaxInt, "äöü"},
		{strings.Repeat("10.0.0.1 ", 1000), 20, "<ip> <ip> <ip> <i…"},
		{strings.Repeat("12345678-1234-1234-1234-123456789012", 1000), 400, ""},
	} {
		got := NormalizeError(test.text, test.maxLen)
		if test.want != "" && got != test.want {
			t.Errorf("NormalizeError(%.20q, %d) = %q, want %q", test.text, test.maxLen, got, test.want)
		}
		if limit := test.maxLen; limit > 0 && len(got) > limit {
			t.Errorf("NormalizeError(%.20q, %d) has %d bytes", test.text, limit, len(got))
		}
	}
}

// TestNormalizeErrorIsBounded is the reason why it exists: ten thousand errors
// that differ in ids only are one row.
func TestNormalizeErrorIsBounded(t *testing.T) {
	seen := map[string]bool{}
	for i := range 10_000 {
		port := 32768 + i
		seen[NormalizeError("read tcp 10.1."+strconv.Itoa(i/250)+"."+strconv.Itoa(i%250)+":"+strconv.Itoa(port)+"->10.0.0.1:80: key user:"+strconv.Itoa(1_000_000+i)+": reset", 0)] = true
	}
	if len(seen) != 1 {
		t.Errorf("10,000 errors have %d texts, want 1", len(seen))
	}
}

func FuzzNormalizeError(f *testing.F) {
	for _, seed := range []string{
		"read tcp 127.0.0.1:54321->[::1]:5000: read: connection reset", "zz123456::1", "1::2:123456", "1::2.123456",
		"1::2zz123456", "2026-11-23T15:42:09.123456789zz", "abcdef12zz", "1.2345.6789", "object at 0x1g", "a1234567b1.2.3.4",
		"goroutine 12z", "3b241101-e2bb-4255-8caf-4136c566a962-1", "port123456=40000", "\xff12345678\xfe", "x:40000…", "fe80::1%12345678",
	} {
		for _, maxLen := range []int{0, 3, 8, 12, 20} {
			f.Add(seed, maxLen)
		}
	}
	f.Fuzz(func(t *testing.T, text string, maxLen int) {
		got := NormalizeError(text, maxLen)
		limit := maxLen
		if limit <= 0 {
			limit = DefaultErrorLength
		}
		if len(got) > limit {
			t.Errorf("NormalizeError(%q, %d) has %d bytes: %q", text, maxLen, len(got), got)
		}
		if !utf8.ValidString(got) {
			t.Errorf("NormalizeError(%q, %d) = %q is not valid UTF-8", text, maxLen, got)
		}
		if again := NormalizeError(got, maxLen); again != got {
			t.Errorf("NormalizeError(%q, %d)\n once  %q\n twice %q", text, maxLen, got, again)
		}
	})
}

func BenchmarkNormalizeError(b *testing.B) {
	for name, text := range map[string]string{
		"kept":     "404 Client Error: Not Found for url: /api/v1/get_json",
		"replaced": "read tcp 127.0.0.1:54321->127.0.0.1:5000: read: connection reset by peer",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				NormalizeError(text, 0)
			}
		})
	}
}

// TestNormalizeErrorIsStable builds texts from pieces that can become tokens
// with their neighbours, and cuts them anywhere.
func TestNormalizeErrorIsStable(t *testing.T) {
	pieces := []string{
		"1", "12", "123456", "40000", ":", "::", ".", "-", "->", " ", "%", "x", "0x", "a1b2c3d4", "zz", "g", "…", ",", "+", "[", "]", "<", ">",
		"10.0.0.1", "fe80::1", "2026-11-23T15:42:09", "+01:00", "Z", "3b241101-e2bb-4255-8caf-4136c566a962",
		"goroutine ", "object at ", "port", "=", "host=", "'", "\\", "://", "Connection to ", "<n>", "<ip>", "0x....", "\xff", "ü", "\x00", "/",
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for range 200_000 {
		var text strings.Builder
		for range 1 + rng.IntN(9) {
			text.WriteString(pieces[rng.IntN(len(pieces))])
		}
		maxLen := 1 + rng.IntN(60)
		once := NormalizeError(text.String(), maxLen)
		if twice := NormalizeError(once, maxLen); twice != once || len(once) > maxLen {
			t.Fatalf("NormalizeError(%q, %d)\n once  %q\n twice %q", text.String(), maxLen, once, twice)
		}
	}
}
