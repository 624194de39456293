// Package transport carries frames between a worker and its master: a ZeroMQ
// DEALER on one end and a ROUTER on the other, over TCP.
//
// One [Conn] is ONE TCP connection. There is no reconnecting and no queue in
// this package: a connection that is lost stays lost and says so, and what
// became of the bytes that were sent can be asked for ([Conn.Acked]). docs/internals/transport.md
// says why this is no ZeroMQ library.
package transport
