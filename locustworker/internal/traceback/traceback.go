// Package traceback says where user code failed, in the form of Python's tracebacks:
// the master's page shows them, and groups exceptions by their text. So no text holds
// an address or the number of a goroutine.
package traceback

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// Site returns where a function is declared, as one line of a traceback, or
// "" when it is not a function.
func Site(fn any) string {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return ""
	}
	f := runtime.FuncForPC(v.Pointer())
	if f == nil {
		return ""
	}
	file, number := f.FileLine(v.Pointer())
	return line(file, number, f.Name())
}

// line is one frame in the form of Python's format_tb.
func line(file string, number int, function string) string {
	return fmt.Sprintf("  File %q, line %d, in %s\n", file, number, function)
}

// library is the package whose functions are in no trace, and own begins the names of
// this one's.
const (
	library = "github.com/bandwing/bandwing/locustworker."
	own     = "github.com/bandwing/bandwing/locustworker/internal/traceback."
)

// A PanicError is a panic of user code, caught.
type PanicError struct {
	Value any
	// Trace has the frames of the user's code, the innermost last.
	Trace string
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap gives errors.Is the panic's value when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Guard runs user code and turns a panic of it into a *PanicError.
func Guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = caught(r)
		}
	}()
	return f()
}

// caught turns a recovered value into an error with the stack of the panic. Call
// it in the deferred function that recovered.
func caught(value any) *PanicError {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var lines []string
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, own+"Guard") {
			break // below are the library's own frames only
		}
		if !strings.HasPrefix(f.Function, library) && !strings.HasPrefix(f.Function, "runtime.") {
			lines = append(lines, line(f.File, f.Line, f.Function))
		}
		if !more {
			break
		}
	}
	var b strings.Builder
	for i := len(lines) - 1; i >= 0; i-- { // Python's order: the innermost frame last
		b.WriteString(lines[i])
	}
	return &PanicError{value, b.String()}
}
