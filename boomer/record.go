package boomer

import (
	"errors"
	"math"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// RecordSuccess adds one request that has succeeded. responseTime is in milliseconds,
// responseLength in bytes. It does not block on the network and may be called from
// any goroutine, while Run runs; before and after, samples are dropped and the log
// says so.
func (b *Boomer) RecordSuccess(requestType, name string, responseTime int64, responseLength int64) {
	b.record(sample(requestType, name, inMilliseconds(responseTime), responseLength))
}

// RecordFailure adds one request that has failed, as RecordSuccess does. exception is
// the row in the table of failures, so it must not hold ids.
func (b *Boomer) RecordFailure(requestType, name string, responseTime int64, exception string) {
	b.record(failedSample(requestType, name, inMilliseconds(responseTime), exception))
}

// RecordDuration adds one request with its time to the nanosecond: a success, or with
// an error a failure. The web UI shows fractions of milliseconds. boomer has no such
// function.
//
//	start := time.Now()
//	n, err := call()
//	boomer.RecordDuration("tcp", "call", time.Since(start), n, err)
func (b *Boomer) RecordDuration(requestType, name string, responseTime time.Duration, responseLength int64, err error) {
	b.record(locustworker.Sample{
		Type: requestType, Name: name, ResponseTime: responseTime, Length: responseLength, Err: err,
	})
}

func sample(requestType, name string, responseTime time.Duration, length int64) locustworker.Sample {
	return locustworker.Sample{Type: requestType, Name: name, ResponseTime: responseTime, Length: length}
}

func failedSample(requestType, name string, responseTime time.Duration, exception string) locustworker.Sample {
	return locustworker.Sample{Type: requestType, Name: name, ResponseTime: responseTime, Err: errors.New(exception)}
}

// inMilliseconds returns the time of n milliseconds, as long as there can be one.
func inMilliseconds(n int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(min(max(n, 0), most)) * time.Millisecond
}

// record hands a sample to the worker that runs.
func (b *Boomer) record(s locustworker.Sample) {
	if b.trying.Load() {
		logSample(b, s)
		return
	}
	if e := b.engine.Load(); e != nil && e.record(s) {
		return
	}
	b.dropped.Do(func() {
		b.logger().Printf("boomer: a sample of %q %q was recorded while no Run runs, and dropped. Others may be, without a word", s.Type, s.Name)
	})
}
