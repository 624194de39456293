// Package ratelimit lets callers through at a rate, first come, first served. A
// caller that has to wait owns no goroutine: it is called back.
package ratelimit
