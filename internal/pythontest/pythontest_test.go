package pythontest

import (
	"reflect"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAsk(t *testing.T) {
	var got []any
	Ask(t, map[string]int{"é": 7}, &got, "testdata/echo.py", "word")
	if want := []any{"word", map[string]any{"é": 7.0}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPeer(t *testing.T) {
	p := Start(t, "testdata/echo.py")
	for i := range 3 {
		var got map[string]any
		p.Call("f", map[string]any{"n": i}, &got)
		if want := map[string]any{"call": "f", "n": float64(i)}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
