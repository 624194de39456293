package locustworker

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// funcSite returns where a function is declared, as one line of a traceback, or
// "" when it is not a function.
func funcSite(fn any) string {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return ""
	}
	f := runtime.FuncForPC(v.Pointer())
	if f == nil {
		return ""
	}
	file, line := f.FileLine(v.Pointer())
	return traceLine(file, line, f.Name())
}

// traceLine is one frame in the form of Python's format_tb, which the master's
// UI shows. It must not hold an address or a goroutine's number: the master
// groups exceptions by the traceback's text.
func traceLine(file string, line int, function string) string {
	return fmt.Sprintf("  File %q, line %d, in %s\n", file, line, function)
}

// ownPrefix begins the names of this package's functions, and of no other's.
const ownPrefix = "github.com/bandwing/bandwing/locustworker."

// A panicError is a panic of user code, caught.
type panicError struct {
	value any
	trace string
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// Unwrap gives errors.Is the panic's value when it is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// caught turns a recovered value into an error with the stack of the panic. Call
// it in the deferred function that recovered.
func caught(value any) *panicError {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var lines []string
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, ownPrefix+"guard") {
			break // below are the worker's own frames only
		}
		if !strings.HasPrefix(f.Function, ownPrefix) && !strings.HasPrefix(f.Function, "runtime.") {
			lines = append(lines, traceLine(f.File, f.Line, f.Function))
		}
		if !more {
			break
		}
	}
	var b strings.Builder
	for i := len(lines) - 1; i >= 0; i-- { // Python's order: the innermost frame last
		b.WriteString(lines[i])
	}
	return &panicError{value, b.String()}
}
