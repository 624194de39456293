package loadtest

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// ErrConfig is wrapped by the errors of New and of reading settings.
var ErrConfig = errors.New("loadtest: invalid configuration")

// Sizes of the static document.
const (
	// Size13KB is the game's record alone.
	Size13KB = "13KB"
	// Size2MB is the record with 150 former versions of itself.
	Size2MB = "2MB"
)

// A Config says what the scenario does. The zero value is what locustfile.py
// does without any setting.
type Config struct {
	// APIEndpoint is the base URL of the service, for users that get no host from
	// the master or the worker. Default: none.
	APIEndpoint string
	// AppEndpoint is where Load reaches the service. Default: APIEndpoint.
	AppEndpoint string
	// RedisURL is where the Direct* classes find Redis, as redisuser reads it. Default
	// redis://127.0.0.1:6379.
	RedisURL string
	// PipelineDepth is how many commands the Direct* classes send in one pipeline.
	// Default 1: none.
	PipelineDepth int
	// MinWait and MaxWait bound a user's pause between two tasks. Default, when
	// both are 0: 50 ms and 200 ms. Negative means none.
	MinWait, MaxWait time.Duration
	// RequestTimeout limits each request. Default 20 s.
	RequestTimeout time.Duration
	// SampleSize is how many keys of each kind of document the master collects at
	// the start of a run, for all workers together. Default 150.
	SampleSize int
	// RandomDocuments and StaticDocuments are how many keys of each kind are
	// written in turn. Defaults: 10,000, and 200 of 13 KB or 10 of 2 MB.
	RandomDocuments, StaticDocuments int
	// DocumentSize is that of the static document: Size13KB, the default, or
	// Size2MB.
	DocumentSize string
	// Seed makes what users do repeatable: the n-th user of a class on the worker
	// of one index writes and picks the same in each run. 0 draws a seed.
	Seed uint64
	// Weights are the weights that differ from the declared ones: of classes by
	// name, of tasks by "<class>.<task>". A task of weight 0 does not run.
	Weights map[string]int
}

const (
	defaultMinWait         = 50 * time.Millisecond
	defaultMaxWait         = 200 * time.Millisecond
	defaultRequestTimeout  = 20 * time.Second
	defaultSampleSize      = 150
	defaultRandomDocuments = 10_000
	defaultStaticDocuments = 200
	defaultHugeDocuments   = 10
	defaultRedisURL        = "redis://127.0.0.1:6379"
	defaultPipelineDepth   = 1
)

func (c Config) withDefaults() Config {
	if c.MinWait == 0 && c.MaxWait == 0 {
		c.MinWait, c.MaxWait = defaultMinWait, defaultMaxWait
	}
	c.MinWait, c.MaxWait = max(c.MinWait, 0), max(c.MaxWait, 0)
	if c.AppEndpoint == "" {
		c.AppEndpoint = c.APIEndpoint
	}
	if c.RedisURL == "" {
		c.RedisURL = defaultRedisURL
	}
	if c.PipelineDepth == 0 {
		c.PipelineDepth = defaultPipelineDepth
	}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = defaultRequestTimeout
	}
	if c.SampleSize == 0 {
		c.SampleSize = defaultSampleSize
	}
	if c.RandomDocuments == 0 {
		c.RandomDocuments = defaultRandomDocuments
	}
	if c.DocumentSize == "" {
		c.DocumentSize = Size13KB
	}
	if c.StaticDocuments == 0 {
		c.StaticDocuments = defaultStaticDocuments
		if c.DocumentSize == Size2MB {
			c.StaticDocuments = defaultHugeDocuments
		}
	}
	return c
}

// Validate returns every fault of the configuration, joined and wrapping
// ErrConfig, or nil.
func (c Config) Validate() error {
	full := c.withDefaults()
	var faults []error
	if full.MaxWait < full.MinWait {
		faults = append(faults, fmt.Errorf("wait from %v to %v: the longest wait must not be below the shortest", full.MinWait, full.MaxWait))
	}
	if c.RequestTimeout < 0 {
		faults = append(faults, fmt.Errorf("request timeout %v is negative", c.RequestTimeout))
	}
	if c.SampleSize < 0 || c.SampleSize > maxSampleSize {
		faults = append(faults, fmt.Errorf("sample size %d: the service lists from 1 to %d keys", c.SampleSize, maxSampleSize))
	}
	if c.PipelineDepth < 0 || c.PipelineDepth > maxPipelineDepth {
		faults = append(faults, fmt.Errorf("pipeline depth %d: it goes from 1 to %d", c.PipelineDepth, maxPipelineDepth))
	}
	if c.RandomDocuments < 0 || c.StaticDocuments < 0 {
		faults = append(faults, errors.New("the numbers of documents must not be negative"))
	}
	if full.DocumentSize != Size13KB && full.DocumentSize != Size2MB {
		faults = append(faults, fmt.Errorf("document size %q: there are %s and %s", c.DocumentSize, Size13KB, Size2MB))
	}
	faults = append(faults, c.validateWeights()...)
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(faults...))
}

// maxPipelineDepth bounds what one pipeline of 13 KB documents takes to 13 MB.
const maxPipelineDepth = 1000

// maxSampleSize is the most keys that one request of the service lists.
const maxSampleSize = 100_000

func (c Config) validateWeights() []error {
	var faults []error
	known := map[string]bool{}
	for _, s := range sets() {
		known[s.name] = true
		sum := 0
		for _, t := range s.tasks {
			known[s.name+"."+t.name] = true
			sum += c.weight(s.name+"."+t.name, t.weight)
		}
		if sum == 0 {
			faults = append(faults, fmt.Errorf("all tasks of %s have weight 0; one must have more", s.name))
		}
	}
	for name, weight := range c.Weights {
		switch {
		case !known[name]:
			faults = append(faults, fmt.Errorf("a weight for %q: there is no such class or <class>.<task>", name))
		case weight < 0:
			faults = append(faults, fmt.Errorf("the weight of %s is %d; the least is 0", name, weight))
		}
	}
	return faults
}

// weight is what a class or task weighs.
func (c Config) weight(name string, declared int) int {
	if w, ok := c.Weights[name]; ok {
		return w
	}
	return declared
}

// clone returns a copy whose weights may be changed.
func (c Config) clone() Config {
	c.Weights = maps.Clone(c.Weights)
	if c.Weights == nil {
		c.Weights = map[string]int{}
	}
	return c
}
