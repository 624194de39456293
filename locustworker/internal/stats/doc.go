// Package stats records samples and sums them up for the reports to a Locust
// master.
//
// A [Store] is split into shards, each with its own lock. [Store.Record] adds
// one sample to one shard; [Store.Take] swaps every shard's sums for empty ones
// and merges them into one [Report], outside the locks that Record needs. Every
// sample is in exactly one report.
//
// The figures mirror Locust's StatsEntry and RequestStats. Two things differ:
// times are exact (nanoseconds, where Locust adds up float milliseconds), and
// response times below 100 ms may be kept in finer buckets, see [Buckets].
package stats
