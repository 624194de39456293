// Package faults breaks links and processes of a running load test and holds what is left against three equations:
//
//	requests the target served = samples reported + requests cut   (failures that never reached the target apart)
//	users asked for            = users running
//	arrivals due               = iterations started + dropped      (open classes)
//
// The master is a stock Locust master, the workers are e2e/faults/worker, the target counts requests by itself. The tests
// run a few quick cases; `make test-faults` runs all of them, at moments that come from a seed which it prints. The
// package has no code of its own to import.
package faults
