// Package arrivals says when the arrivals of an open model are due, and calls a
// function at those times. It knows nothing of users.
package arrivals
