package redisjson

import (
	"errors"
	"fmt"
	"time"
)

// ErrConfig is wrapped by the error of New.
var ErrConfig = errors.New("redisjson: invalid configuration")

// A Config says what the scenario does. The zero value is what locustfile.py
// does.
type Config struct {
	// MinWait and MaxWait bound a user's pause between two tasks. Default, when
	// both are 0: 50 ms and 200 ms.
	MinWait, MaxWait time.Duration
	// RequestTimeout limits each request. Default 20 s.
	RequestTimeout time.Duration
	// SampleSize is how many keys of each kind of document are asked for at the
	// start. Default 150.
	SampleSize int
	// FlatDocuments and ComplexDocuments are how many keys of each kind are
	// written in turn. Defaults 10,000 and 200.
	FlatDocuments, ComplexDocuments int
}

const (
	defaultMinWait          = 50 * time.Millisecond
	defaultMaxWait          = 200 * time.Millisecond
	defaultRequestTimeout   = 20 * time.Second
	defaultSampleSize       = 150
	defaultFlatDocuments    = 10_000
	defaultComplexDocuments = 200
)

func (c Config) withDefaults() Config {
	if c.MinWait == 0 && c.MaxWait == 0 {
		c.MinWait, c.MaxWait = defaultMinWait, defaultMaxWait
	}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = defaultRequestTimeout
	}
	if c.SampleSize == 0 {
		c.SampleSize = defaultSampleSize
	}
	if c.FlatDocuments == 0 {
		c.FlatDocuments = defaultFlatDocuments
	}
	if c.ComplexDocuments == 0 {
		c.ComplexDocuments = defaultComplexDocuments
	}
	return c
}

// Validate returns every fault of the configuration, joined and wrapping
// ErrConfig, or nil.
func (c Config) Validate() error {
	var faults []error
	if c.MinWait < 0 || c.MaxWait < c.MinWait {
		faults = append(faults, fmt.Errorf("wait from %v to %v: give 0 <= MinWait <= MaxWait", c.MinWait, c.MaxWait))
	}
	if c.RequestTimeout < 0 {
		faults = append(faults, fmt.Errorf("request timeout %v is negative", c.RequestTimeout))
	}
	if c.SampleSize < 0 || c.FlatDocuments < 0 || c.ComplexDocuments < 0 {
		faults = append(faults, errors.New("SampleSize, FlatDocuments and ComplexDocuments must not be negative"))
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(faults...))
}
