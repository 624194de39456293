package wire

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestEncodedIsTheFrameOfAnySender(t *testing.T) {
	m := Custom{Type: "x", Data: map[string]any{"a": []int{1, 2}}}
	e, err := EncodeBody(m)
	if err != nil || e.Type() != "x" {
		t.Fatalf("%q, %v", e.Type(), err)
	}
	for _, id := range []string{"a", "host_1", strings.Repeat("x", 255)} {
		got, err := e.Frame(id)
		want, wantErr := Encode(id, m)
		if err != nil || wantErr != nil || !bytes.Equal(got, want) {
			t.Errorf("frame of %q: %x, %v; Encode gives %x, %v", id, got, err, want, wantErr)
		}
	}
	for _, id := range []string{"", "w\xff"} {
		if _, err := e.Frame(id); !errors.Is(err, ErrUnencodable) {
			t.Errorf("node id %q: %v", id, err)
		}
	}
	for _, bad := range []Outbound{nil, Custom{}, Custom{Type: "x", Data: make(chan int)}} {
		if _, err := EncodeBody(bad); !errors.Is(err, ErrUnencodable) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestEncodeExtraKeepsWhatItGot(t *testing.T) {
	inner := map[string]int{"n": 1}
	extra := map[string]any{"inner": inner, "x": []any{"y", nil, 2.5}}
	report := Stats{Total: Entry{Start: start}, Extra: extra}
	want := mustEncode(t, report)
	kept, err := EncodeExtra(extra)
	if err != nil {
		t.Fatal(err)
	}
	inner["n"] = 2
	extra["x"] = nil
	report.Extra = kept
	if got := mustEncode(t, report); !bytes.Equal(got, want) {
		t.Errorf("got\n%x; want\n%x", got, want)
	}
	if kept, err := EncodeExtra(nil); kept != nil || err != nil {
		t.Errorf("nothing becomes %v, %v", kept, err)
	}
	for name, bad := range map[string]map[string]any{"errors": {"errors": 1}, "NaN": {"x": math.NaN()}} {
		if kept, err := EncodeExtra(bad); kept != nil || !errors.Is(err, ErrUnencodable) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v becomes %v, %v", bad, kept, err)
		}
	}
}
