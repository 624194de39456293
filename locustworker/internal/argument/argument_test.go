package argument

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestConvert(t *testing.T) {
	for _, c := range []struct{ raw, want any }{
		{"12", int8(12)},
		{12.0, uint16(12)},
		{"1.5", 1.5},
		{"TRUE", true},
		{int64(3), "3"},
		{1.5, 1500 * time.Millisecond},
		{"2m", 2 * time.Minute},
		{"a, b", []string{"a", "b"}},
		{"[1, 2]", []int{1, 2}},
		{map[any]any{int64(1): "x"}, map[string]string{"1": "x"}},
	} {
		into := reflect.New(reflect.TypeOf(c.want))
		if err := Convert(into.Interface(), c.raw); err != nil || !reflect.DeepEqual(into.Elem().Interface(), c.want) {
			t.Errorf("%#v: %#v, %v; want %#v", c.raw, into.Elem().Interface(), err, c.want)
		}
	}
}

func TestConvertRefuses(t *testing.T) {
	for _, c := range []struct{ raw, into any }{
		{"300", new(uint8)},
		{1.5, new(int)},
		{"-1", new(uint)},
		{uint64(math.MaxUint64), new(int64)},
		{"perhaps", new(bool)},
		{[]any{}, new(string)},
		{math.NaN(), new(time.Duration)},
		{[]any{"x"}, new([]int)},
	} {
		if err := Convert(c.into, c.raw); err == nil {
			t.Errorf("%#v became a %T: %#v", c.raw, c.into, reflect.ValueOf(c.into).Elem())
		}
	}
}

func FuzzConvert(f *testing.F) {
	for _, seed := range []string{"", "1", "1e400", "[1,", "a,b", `{"a":[1]}`, "-0", "NaN", "9223372036854775808"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, into := range []any{
			new(int8), new(uint64), new(float32), new(bool), new(time.Duration), new([]int), new([][]string), new(map[string]any), new(any), new(*int),
		} {
			_ = Convert(into, text) // must not panic
		}
		var got string
		if err := Convert(&got, text); err != nil || got != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	})
}

func TestIsStock(t *testing.T) {
	if !slices.IsSorted(stock) || len(slices.Compact(slices.Clone(stock))) != len(stock) {
		t.Error("the list must be sorted and without repetitions")
	}
	if !IsStock("spawn_rate") || IsStock("sku") || IsStock("") || strings.Contains(strings.Join(stock, ""), "-") {
		t.Error("spawn_rate is an option of Locust, sku is none, and none has a dash")
	}
}
