package locustworker

import (
	"errors"
	"fmt"
	"testing"
)

func TestPythonError(t *testing.T) {
	for want, err := range map[string]error{
		`HTTPError('404 Client Error')`:     PythonError("HTTPError", "404 Client Error"),
		`OSError(5, "it's", 1.0)`:           PythonError("OSError", 5, "it's", 1.0),
		`ReadTimeout(TimeoutError('late'))`: PythonError("ReadTimeout", PythonError("TimeoutError", "late")),
		`CancelledError()`:                  PythonError("CancelledError"),
		`wrapped: ValueError('\n\x00\\')`:   fmt.Errorf("wrapped: %w", PythonError("ValueError", "\n\x00\\")),
		`Exception('<nil>', None, boom)`:    PythonError("Exception", "<nil>", fmt.Stringer(none{}), errors.New("boom")),
	} {
		if err.Error() != want {
			t.Errorf("%s, want %s", err, want)
		}
	}
}

type none struct{}

func (none) String() string { return "None" }
