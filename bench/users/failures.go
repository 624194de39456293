package main

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// failures stands in for the test that mastertest wants: it keeps what would fail
// it.
type failures struct {
	testing.TB // nil: mastertest calls only what is below

	errs     []error
	cleanups []func()
}

func (*failures) Helper() {}

func (f *failures) Cleanup(fn func()) { f.cleanups = append(f.cleanups, fn) }

func (f *failures) Errorf(format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf(format, args...))
}

// Fatalf ends the program: nothing after it makes sense.
func (f *failures) Fatalf(format string, args ...any) {
	f.cleanup()
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
	os.Exit(1)
}

func (f *failures) cleanup() {
	for i := len(f.cleanups) - 1; i >= 0; i-- {
		f.cleanups[i]()
	}
	f.cleanups = nil
}

func (f *failures) err() error { return errors.Join(f.errs...) }
