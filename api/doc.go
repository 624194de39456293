// Package api is the REST service in front of RedisJSON: the system that the load test of this module drives.
//
// It knows HTTP and JSON and no Redis client: what it needs from the database is the Store interface. JSON passes
// through as bytes. A reply of the store becomes the response's body and the bytes of a request become the store's
// argument; only what a route has to look at is decoded, and the store validates the documents.
//
// Every reply of a route that is no page is JSON: 200 {"status":"ok","json":<value>} or an error status with {"error":"<what and what to do>"}:
//
//	400  malformed input            404  no such key, nothing at the path, no such route
//	405  method not allowed         409  wrong type at the key or the path
//	413  body larger than MaxBody   415  body is said not to be JSON
//	503  Redis cannot serve the request now (with Retry-After)
//	500  a fault of this service    499  the client was gone before the store answered (only seen in /metrics)
package api
