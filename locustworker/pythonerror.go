package locustworker

import (
	"errors"

	"github.com/bandwing/bandwing/locustworker/internal/python"
)

// PythonError returns an error whose text is the repr of a Python exception, which
// is what Locust shows for a failed request:
//
//	PythonError("HTTPError", "404 Client Error") // HTTPError('404 Client Error')
//	PythonError("OSError", 5, "it's")            // OSError(5, "it's")
//
// Failures of Go and Python workers with the same type, name and text are one row
// on the master. A string is written as Python's repr writes it, a float64 as
// Python does, an error as its text, so that an exception may hold another one, and
// anything else as fmt.Sprint writes it.
func PythonError(class string, args ...any) error {
	return errors.New(python.Exception(class, args...))
}
