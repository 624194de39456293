// Package fleet runs the members of a load test: it brings each group to its
// number, runs what members do, lets them wait, and stops them. It knows nothing
// of protocols, classes or statistics.
//
// A member is a state machine, not a goroutine. Executors, which are goroutines,
// call Step of the members that have something to do; a member that waits is an
// entry of a heap and owns no goroutine, channel or timer. There are as many
// executors as Steps that run at the moment, so that a Step which blocks holds up
// nobody; those that are not needed any more end within two seconds. A member that
// does not wait goes on in the same executor.
//
// All of a member's Steps come one after the other, but not always in the same
// goroutine.
package fleet
