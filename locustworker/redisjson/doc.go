// Package redisjson is the load test of this module's REST service: users that
// read, write, update and append to JSON documents in Redis.
//
//	scenario, err := redisjson.New(redisjson.Config{})
//	worker, err := locustworker.New(cfg, scenario.Classes()...)
//
// Its classes, tasks, weights, tags, waits, row names, documents and failure
// texts are those of locustfile.py, so that Go and Python workers can share a
// run; a test holds the two together.
//
// # Documents
//
// A document's kind is known by its key. Users work on all documents that they
// find under these prefixes when the first of them starts, and on those that
// they write:
//
//	basicUser:<n>  flat, about 600 bytes; users write them with random data
//	user:<n>       nested; found, never written
//	complex:<n>    about 13 KB, always the same but for its id
//
// # What does not grow
//
// A run may last for days, so nothing grows with its length. Documents are
// written under a bounded number of keys, over older ones. A number, string or
// array that a change has made too large (or too small) is set anew at once by
// the user that sees it in the reply, with an updateField request.
package redisjson
