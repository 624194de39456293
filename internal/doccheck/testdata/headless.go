// What docs/headless.md takes for known.
//
// doccheck:parameters t *testing.T, server *httptest.Server, classes func() []locustworker.Class
package main
