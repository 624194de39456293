package locustworker

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// read reads the value as a T.
func read[T any](raw any) (any, error) {
	return Argument[T](&Arguments{values: map[string]any{"x": raw}}, "x")
}

type basket struct {
	SKU   string `json:"sku"`
	Count int
	Tags  []string
}

// An argumentCase is a value as it arrives, and what it is read as.
type argumentCase struct {
	read func(any) (any, error)
	raw  any
	want any // nil: ErrArgumentType
}

// TestArguments reads what arrives for the arguments that a locustfile can make.
func TestArguments(t *testing.T) {
	cases := argumentsOfOneValue()
	maps.Copy(cases, argumentsOfManyValues())
	for name, test := range cases {
		got, err := test.read(test.raw)
		if test.want == nil {
			if !errors.Is(err, ErrArgumentType) || !strings.Contains(err.Error(), `"x"`) {
				t.Errorf("%s: got %#v, %v; want ErrArgumentType", name, got, err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %#v, %v; want %#v", name, got, err, test.want)
		}
	}
}

func argumentsOfOneValue() map[string]argumentCase {
	return map[string]argumentCase{
		"text":                 {read[string], " a b ", " a b "},
		"text from number":     {read[string], int64(7), "7"},
		"text from bool":       {read[string], true, "true"},
		"text from list":       {read[string], []any{"a"}, nil},
		"bool":                 {read[bool], true, true},
		"bool edited":          {read[bool], "True", true},
		"bool from number":     {read[bool], int64(1), nil},
		"int":                  {read[int], int64(7), 7},
		"int edited":           {read[int], " 8 ", 8},
		"int from whole float": {read[int], 8.0, 8},
		"int from text of one": {read[int], "8.0", 8},
		"int from fraction":    {read[int], 8.5, nil},
		"int from infinity":    {read[int], math.Inf(1), nil},
		"int of other text":    {read[int], "eight", nil},
		"int too large":        {read[int], uint64(math.MaxUint64), nil},
		"int8 too large":       {read[int8], int64(128), nil},
		"uint":                 {read[uint64], uint64(math.MaxUint64), uint64(math.MaxUint64)},
		"uint edited":          {read[uint64], "18446744073709551615", uint64(math.MaxUint64)},
		"uint negative":        {read[uint], int64(-1), nil},
		"float":                {read[float64], 0.5, 0.5},
		"float from int":       {read[float64], int64(2), 2.0},
		"float edited":         {read[float64], "1e3", 1000.0},
		"duration in seconds":  {read[time.Duration], 1.5, 1500 * time.Millisecond},
		"duration edited":      {read[time.Duration], "90", 90 * time.Second},
		"duration with units":  {read[time.Duration], "1m30s", 90 * time.Second},
		"duration of text":     {read[time.Duration], "soon", nil},
		"duration too long":    {read[time.Duration], 1e30, nil},
	}
}

func argumentsOfManyValues() map[string]argumentCase {
	object := map[string]any{"sku": "a-1", "Count": int64(2), "Tags": []any{"x", "y"}}
	objectText := `{"sku": "a-1", "Count": 2, "Tags": ["x", "y"]}`
	full := basket{"a-1", 2, []string{"x", "y"}}
	return map[string]argumentCase{
		"texts":                   {read[[]string], []any{"a", "b,c"}, []string{"a", "b,c"}},
		"texts edited":            {read[[]string], "a, b,c", []string{"a", "b", "c"}},
		"one text edited":         {read[[]string], "a", []string{"a"}},
		"texts, all taken out":    {read[[]string], "", []string{}},
		"empty list":              {read[[]string], []any{}, []string{}},
		"texts in JSON":           {read[[]string], `["a", "b,c"]`, []string{"a", "b,c"}},
		"numbers":                 {read[[]int], []any{int64(1), int64(2)}, []int{1, 2}},
		"numbers edited":          {read[[]int], "1,2,3", []int{1, 2, 3}},
		"numbers edited, a list":  {read[[]int], []any{"1", "2"}, []int{1, 2}},
		"numbers and a word":      {read[[]int], "1,two", nil},
		"one number":              {read[[]float64], int64(1), []float64{1}},
		"list of None":            {read[[]string], []any{nil}, nil},
		"list of pointers":        {read[[]*int], []any{int64(3)}, []*int{new(3)}},
		"list from dict":          {read[[]string], object, nil},
		"lists in lists":          {read[[][]int], []any{[]any{int64(1)}, []any{}}, [][]int{{1}, {}}},
		"lists in lists, edited":  {read[[][]int], "[[1], []]", [][]int{{1}, {}}},
		"struct":                  {read[basket], object, full},
		"struct edited":           {read[basket], objectText, full},
		"struct from text":        {read[basket], "a-1", nil},
		"pointer to struct":       {read[*basket], object, &full},
		"structs":                 {read[[]basket], []any{object}, []basket{full}},
		"structs edited":          {read[[]basket], "[" + objectText + "]", []basket{full}},
		"map":                     {read[map[string]int], map[string]any{"a": int64(1)}, map[string]int{"a": 1}},
		"map with number keys":    {read[map[int]string], map[any]any{int64(4): "x"}, map[int]string{4: "x"}},
		"map from list":           {read[map[string]int], []any{"a"}, nil},
		"anything":                {read[any], []any{int64(1), map[any]any{true: nil}}, []any{1.0, map[string]any{"true": nil}}},
		"any text":                {read[any], "{", "{"},
		"maps of anything":        {read[map[string]any], objectText, map[string]any{"sku": "a-1", "Count": 2.0, "Tags": []any{"x", "y"}}},
		"nothing that JSON has":   {read[map[string]any], map[string]any{"a": math.NaN()}, nil},
		"with its own text":       {read[netip.Addr], "10.0.0.1", netip.MustParseAddr("10.0.0.1")},
		"with its own wrong text": {read[netip.Addr], "10.0.0", nil},
		"with its own, no text":   {read[netip.Addr], int64(1), nil},
		"a function":              {read[func()], "x", nil},
		"named type":              {read[slog.Level], "WARN", slog.LevelWarn},
	}
}

// TestArgumentsBelongToTheReader: what one reader changes no other sees.
func TestArgumentsBelongToTheReader(t *testing.T) {
	a := &Arguments{values: map[string]any{"x": map[string]any{"a": []any{"1"}}, "y": []any{"1"}}}
	for range 2 {
		x, err1 := Argument[any](a, "x")
		y, err2 := Argument[[]any](a, "y")
		if fmt.Sprint(x, y, err1, err2) != "map[a:[1]] [1] <nil> <nil>" {
			t.Errorf("got %v, %v, %v, %v", x, y, err1, err2)
		}
		x.(map[string]any)["a"].([]any)[0] = "changed"
		y[0] = "changed"
	}
}

func TestArgumentNames(t *testing.T) {
	var stock []string
	locust(t, "defaults", nil, &stock)
	sent := map[string]any{"rate": 1.5, "skus": nil, "api_key": "x"}
	for _, name := range stock {
		sent[name] = "x"
	}
	a := &Arguments{values: sent}
	if got, want := a.Names(), []string{"api_key", "rate", "skus"}; !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
	if len(stock) < 50 {
		t.Errorf("%d options of Locust", len(stock))
	}
	if key, err := Argument[string](a, "api-key"); key != "x" || err != nil {
		t.Errorf("with a dash: %q, %v", key, err)
	}
	if _, err := Argument[string](a, "skus"); !errors.Is(err, ErrNoArgument) {
		t.Errorf("None: %v", err)
	}
	if _, err := Argument[string](a, "rates"); !errors.Is(err, ErrNoArgument) || !strings.Contains(err.Error(), "there are api_key, rate, skus") {
		t.Errorf("a wrong name: %v", err)
	}
}

// TestArgumentOr warns once of a value that cannot be used.
func TestArgumentOr(t *testing.T) {
	log := &logText{}
	a := &Arguments{values: map[string]any{"rate": "fast", "count": int64(3)}, log: textLogger(log)}
	for range 3 {
		if rate := ArgumentOr(a, "rate", 2.5); rate != 2.5 {
			t.Errorf("rate %v", rate)
		}
	}
	if count, other := ArgumentOr(a, "count", 1), ArgumentOr(a, "other", 1); count != 3 || other != 1 {
		t.Errorf("count %d, other %d", count, other)
	}
	if n := strings.Count(log.String(), "cannot be used"); n != 1 || strings.Contains(log.String(), ErrNoArgument.Error()) {
		t.Errorf("the log says\n%s", log)
	}
}

func TestWorkerCount(t *testing.T) {
	for _, test := range []struct {
		sent any
		want int
	}{{nil, 0}, {int64(1), 0}, {int64(2), 2}, {"x", 0}} {
		e := &Environment{}
		e.setArguments(map[string]any{"expect_workers": test.sent})
		if got := e.WorkerCount(); got != test.want {
			t.Errorf("sent %v: %d workers, want %d", test.sent, got, test.want)
		}
	}
}

// FuzzArgument: no text crashes, and what is read as a list of texts again as its
// own JSON is the same.
func FuzzArgument(f *testing.F) {
	for _, seed := range []string{"", "a,b", "[1, 2]", `{"a": [null]}`, "1e400", "-0", "[", "1h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(any) (any, error){
			read[string], read[bool], read[int], read[uint8], read[float32], read[time.Duration],
			read[[]string], read[[][]float64], read[map[string]any], read[basket], read[*basket], read[any], read[netip.Addr],
		} {
			if got, err := read(text); err != nil && !errors.Is(err, ErrArgumentType) {
				t.Errorf("%q: %#v, %v", text, got, err)
			}
		}
	})
}
