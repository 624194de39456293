// Package conformance holds what a Python worker does, item by item (items.toml), and
// its test writes docs/internals/conformance.md from that and from the marks of the tests:
//
//	// Conformance: T1, T2
//	// Conformance (name of a subtest): T3
//
// A mark is a line of a test's doc comment. After a change, run
//
//	make conformance
package conformance
