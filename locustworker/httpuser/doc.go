// Package httpuser is the HTTP session of one simulated user: it sends requests
// over the user's own connection, or over those that users share in a [Pool],
// times them, names them, judges them and records each as exactly one sample.
// What a user of Locust's HttpUser knows, and how it is called here, is listed in
// docs/http.md.
//
//	type reader struct{ httpuser.User }
//
//	func (r *reader) item(ctx context.Context) error {
//		_, err := r.Get(ctx, "/item/7", httpuser.Name("/item"), httpuser.Check(hasPrice))
//		return err
//	}
//
// # A failed request is data
//
// A request that was refused, timed out, or answered with status 404 is a
// sample with an error, which the caller finds in [Response.Err]; it is not a Go
// error. A method of [Session] returns a Go error only when there will be no
// sample: the request could not be built ([ErrRequest]), or the user was stopped
// (an error that wraps the context's cause). A task simply returns it.
//
// # When a request is a failure
//
// As with Locust's HttpUser: when no complete answer came, or its status is 400
// to 599. The texts are HttpUser's too, so that the rows of a Go and of a Python
// worker merge: HTTPError('404 Client Error: Not Found for url: <name>'). [Check]
// adds demands, [Catch] replaces the rule, [Session.REST] demands JSON.
//
// # Names
//
// A request's row is named by [Name], else by [Session.Group] or
// [Session.SetRequestName], else by its path and query as they were passed in;
// of an absolute URL too. As with HttpUser, a redirect does not change the name.
// Unlike there, the path of the user's host, [Query] and the escaping of
// characters do not show in it.
//
// # Time and length
//
// The time runs from the start of sending, connecting included, to the last byte
// of the body; decompression is not part of it, except with [Discard] and
// [Stream]. The wait for a connection of a [Pool] is part of it. Redirects are part
// of the sample of the request that they answer. The length is the body's after
// decompression, and 0 when no complete answer came.
//
// # Memory
//
// A response is the caller's to keep. A user who waits has no buffer, no parser and
// no answer; with [Config.ReuseResponses] it keeps one answer of at most 2 KB.
//
// # What happens to a request when its context ends
//
//   - The user's own context, or one derived from it, ended because the user was
//     stopped: a request that is being sent or waited for may go on for
//     [locustworker.Client.DrainTimeout] and is recorded as ever when it comes back
//     in time. Otherwise its connection is closed and it is counted with
//     [locustworker.Client.Cut], if a byte of it was sent.
//   - A deadline of the caller's own context passed: the request is recorded as
//     failed, like any time-out.
//   - The caller cancelled a context of its own: the request is recorded as
//     failed at once, if a byte of it was sent.
//   - A context that does not come from the user's, such as OnStop's, ended after
//     the user was stopped: the request is cut at once.
//
// So each request of which a byte was sent ends as exactly one sample or exactly
// one cut.
//
// # Connections that ended
//
// A kept-alive connection on which the server has sent something since the last
// answer, or which it has closed, is dropped before the next request, and another
// one is dialled. A request of which a byte was sent is never sent again: where the
// connection then ends without an answer, that is a failed sample, as it is with
// HttpUser.
package httpuser
