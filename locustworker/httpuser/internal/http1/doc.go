// Package http1 reads HTTP/1.x answers off a connection: the head, and the body
// in its framing. It is lenient where RFC 9112 allows a recipient to be and where
// browsers and Python's http.client are: lines may end in LF alone, a line
// without a colon is skipped, folded lines are joined, a reason phrase may be
// missing, and an unusable Content-Length counts as none. It knows no
// connections, time limits or content codings.
//
// Nothing here is safe for concurrent use.
package http1
