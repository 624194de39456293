// Package redisuser is the Redis client of one simulated user: a go-redis client
// whose commands and pipelines are timed, judged and recorded, each as exactly one
// sample.
//
//	type reader struct{ *redisuser.Session }
//
//	func newReader(u *locustworker.User) (*reader, error) {
//		s, err := redisuser.New(u, redisuser.Config{})
//		return &reader{s}, err
//	}
//
//	func (r *reader) get(ctx context.Context) error {
//		return redisuser.Quiet(r.Get(ctx, "greeting").Err())
//	}
//
// The server is the user's host, a URL that go-redis reads: redis://localhost:6379/0,
// rediss://user:password@cache:6380. A host without a scheme is an address. Several
// addresses, separated by commas, are the nodes of a cluster, or the Sentinels when
// [Config.SentinelMaster] is set.
//
// # Samples
//
// A sample has the type REDIS. Its name is that of the command in upper case, GET or
// JSON.SET, or what [Name] says. Its length is the reply's, in bytes on the wire. Its
// time runs from the call to the reply, with the wait for a connection of a [Pool]
// and the opening of a connection.
//
// A reply that is an error is a failure, and so is a command without a reply. A
// missing key (redis.Nil) is none. The error is returned by the command as go-redis
// does it: unlike with httpuser, a failed command is a Go error. [Quiet] drops the
// errors that were recorded, for tasks that go on after a failure.
//
// A pipeline is one sample of the name PIPELINE, a transaction one of the name MULTI;
// it fails when one of its commands does. [Config.EachCommand] records the commands
// of both one by one.
//
// # Nothing twice, nothing lost
//
// No command is sent a second time: go-redis's retries are off. A redirect in a
// cluster (MOVED, ASK) is followed, within the same sample.
//
// A command that is in flight when the user is stopped may go on for the user's drain
// timeout and is recorded when it comes back in time. Otherwise its connection is
// closed, and it is counted as cut if a byte of it was sent. A command whose own
// context is cancelled is recorded as failed. So commands processed by Redis =
// reported + cut.
package redisuser
