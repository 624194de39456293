// Package loadtest is the load test of this module's REST service: users that
// read, write, update, append to and delete documents in Redis.
//
//	var env loadtest.Environment
//	err := envconfig.Process("", &env)
//	cfg, err := env.Config(os.LookupEnv)
//	scenario, err := loadtest.New(cfg)
//	locustworker.MainConfig(scenario.Configure(locustworker.Config{}), scenario.Classes()...)
//
// Its classes, tasks, weights, tags, waits, row names, documents, settings and
// failure texts are those of locustfile.py, so that Go and Python workers can
// share a run; tests hold the two together. docs/test-sets.md lists them all.
//
// # Documents
//
// A document's kind is known by its key:
//
//	basicUser:<n>      a random user without nesting, about 450 bytes
//	user:<n>           a random user with objects and arrays, about 3 KB
//	complex:<n>        a game's record of about 13 KB or 2 MB, always the same but for its id
//	complexString:<n>  the same record as a string
//	hashUser:<n>       a random user as a hash
//
// At the start of a run the master lists keys of each kind, deals them out among
// the workers by their index, and sends each its share as a custom message, which
// the worker acknowledges (exchange.go). Users work on their worker's share and on
// what they write themselves.
//
// # What does not grow
//
// A run may last for days, so nothing grows with its length. Documents are
// written under a bounded number of keys, over older ones. A number, string or
// array that a change has made too large (or too small) is set anew at once by
// the user that sees it in the reply, with an update of its own. JSONDelete writes
// one key a user.
package loadtest
