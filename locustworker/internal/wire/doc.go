// Package wire translates between Go values and the messages that a Locust
// master and its workers exchange.
//
// A message is one msgpack array of three: type, data, node id (Message in
// locust/rpc/protocol.py). Everything that a worker may say is a struct that
// implements [Outbound] and writes all its fields, because a master checks
// nothing that it receives and stops listening for good after some malformed messages.
// Everything that a master may say is a struct that implements [Inbound].
//
// The package neither reads the clock nor touches the network, and all its
// functions are safe for concurrent use.
package wire
