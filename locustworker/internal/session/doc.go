// Package session is a test run under a Locust master: it obeys the master's
// messages, tells it what becomes of them, reports what users record, and ends
// without losing a sample. It sees users only as a [Fleet], the master only
// through an [Uplink], and the program's author only as [Events].
//
// One goroutine owns a session's state. The link, the users and the author's
// functions post to it what happens, and it waits for none of them.
package session
