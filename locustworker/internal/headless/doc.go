// Package headless runs a load test without a master: it deals users out, shows
// how the run goes, and leaves tables, files and a verdict.
package headless
