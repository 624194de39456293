// Package archtest holds the tests that fail when the code leaves the project's design: the import table, the sizes of
// functions and files, names that say nothing, init functions, mutable package-level variables, undocumented exported
// identifiers, and libraries that touch the environment. It has no code of its own.
//
// Each rule is a function from parsed input to faults, so that it is proven to fail on small made-up input as well as
// to pass on the real tree.
package archtest
