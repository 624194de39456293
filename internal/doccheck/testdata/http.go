// What docs/http.md takes for known.
package main

import "context"

func (s *shopper) read(context.Context) error { return nil }
