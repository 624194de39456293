package otelworker

import (
	"context"
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/bandwing/bandwing/locustworker"
)

const (
	// defaultMaxNames is MAX_REQUEST_NAMES of locust/opentelemetry.py.
	defaultMaxNames = 20
	// manyNames is the name of all requests beyond that.
	manyNames = "Too many unique request names"
	// maxErrorTypes bounds the values of error.type.
	maxErrorTypes = 100
)

// durations record response times under the names and errors that they belong to.
// The methods are safe for concurrent use.
type durations struct {
	histogram metric.Float64Histogram
	maxNames  int

	known atomic.Pointer[knownSeries]
	mu    sync.Mutex // to add to known
}

// knownSeries are the names and errors that were recorded before. They never change.
type knownSeries struct {
	names      map[string]struct{}
	errorTypes map[string]struct{}
	options    map[seriesKey][]metric.RecordOption
}

// A seriesKey is one set of attributes.
type seriesKey struct{ name, errorType string }

func newDurations(meter metric.Meter, maxNames int) (*durations, error) {
	histogram, err := meter.Float64Histogram("locust.client.duration",
		metric.WithUnit("s"), metric.WithDescription("Time to last byte for requests"))
	d := &durations{histogram: histogram, maxNames: maxNames}
	d.known.Store(&knownSeries{})
	return d, err
}

// record records the time of a sample, unless it has none. ctx has the request's
// span, if there is one.
func (d *durations) record(ctx context.Context, s locustworker.Sample) {
	if s.NoTime {
		return
	}
	key := seriesKey{name: s.Name}
	if s.Err != nil {
		key.errorType = errorType(s.Err)
	}
	options, ok := d.known.Load().options[key]
	if !ok {
		options = d.optionsFor(key)
	}
	d.histogram.Record(ctx, s.ResponseTime.Seconds(), options...)
}

// optionsFor returns the options of a series that was not recorded before, or that
// shares its name or error with others.
func (d *durations) optionsFor(key seriesKey) []metric.RecordOption {
	k := d.known.Load()
	key.name = strings.ToValidUTF8(key.name, "\uFFFD") // OTLP takes nothing else
	_, named := k.names[key.name]
	if !named && len(k.names) >= d.maxNames {
		key.name, named = manyNames, true
	}
	_, typed := k.errorTypes[key.errorType]
	if typed = typed || key.errorType == ""; !typed && len(k.errorTypes) >= maxErrorTypes {
		key.errorType, typed = semconv.ErrorTypeOther.Value.AsString(), true
	}
	if options, ok := k.options[key]; ok && named && typed {
		return options
	}
	return d.add(key)
}

// add makes the series known.
func (d *durations) add(key seriesKey) []metric.RecordOption {
	d.mu.Lock()
	k := d.known.Load()
	next := &knownSeries{names: maps.Clone(k.names), errorTypes: maps.Clone(k.errorTypes), options: maps.Clone(k.options)}
	if next.options == nil {
		next = &knownSeries{names: map[string]struct{}{}, errorTypes: map[string]struct{}{}, options: map[seriesKey][]metric.RecordOption{}}
	}
	if _, known := next.names[key.name]; !known && key.name != manyNames {
		if len(next.names) >= d.maxNames {
			key.name = manyNames
		} else {
			next.names[key.name] = struct{}{}
		}
	}
	if other := semconv.ErrorTypeOther.Value.AsString(); key.errorType != "" && key.errorType != other {
		if _, known := next.errorTypes[key.errorType]; !known && len(next.errorTypes) >= maxErrorTypes {
			key.errorType = other
		} else {
			next.errorTypes[key.errorType] = struct{}{}
		}
	}
	defer d.mu.Unlock()
	if options, ok := next.options[key]; ok {
		return options
	}
	attributes := []attribute.KeyValue{attribute.String("name", key.name)}
	if key.errorType != "" {
		attributes = append(attributes, semconv.ErrorTypeKey.String(key.errorType))
	}
	options := []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(attributes...))}
	next.options[key] = options
	d.known.Store(next)
	return options
}

// errorType is the class of a Python exception where the error is the text of one, as
// httpuser's are, else the error's own type.
func errorType(err error) string {
	return strings.ToValidUTF8(semconv.ErrorType(err).Value.AsString(), "\uFFFD")
}
