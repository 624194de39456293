// Package doccheck has the tests of README.md, CONTRIBUTING.md and docs: the first test of the README is done as it says,
// from an empty folder to a run under a Locust master; Go listings and rows of tables compile; commands name programs,
// make targets and options that there are; links and paths lead somewhere.
//
// It has no other code. A listing of Go that is no whole file is compiled beside testdata/<page>.go, which declares the
// names that the page takes for known.
package doccheck
