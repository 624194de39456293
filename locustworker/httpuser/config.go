package httpuser

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// Defaults of Config.
const (
	defaultTimeout        = 60 * time.Second // FastHttpUser's network_timeout
	defaultConnectTimeout = 60 * time.Second // FastHttpUser's connection_timeout
	defaultMaxRedirects   = 30
	defaultMaxBody        = 64 << 20
	defaultUserAgent      = "locustworker"
	acceptEncoding        = "gzip, deflate, br"
)

// A Config says how a user's requests are sent. The zero value is what
// FastHttpUser does by default.
type Config struct {
	// Timeout limits a whole request: connecting, sending, redirects and the last
	// byte of the body. Default 60 s; negative means none. (Python's time-outs
	// limit each read instead.)
	Timeout time.Duration
	// ConnectTimeout limits name lookup, connecting and the TLS handshake, within
	// Timeout. Default 60 s; negative means none of its own.
	ConnectTimeout time.Duration
	// MaxRedirects is how many redirects a request follows before it fails.
	// Default 30; negative means that redirects are not followed and are
	// successes.
	MaxRedirects int
	// MaxBody is the largest body in bytes, before and after decompression, that
	// is accepted; a larger one is a failure. Default 64 MiB. Discard and Stream
	// take bodies of any size.
	MaxBody int
	// UserAgent is sent with each request. Default "locustworker".
	UserAgent string
	// Headers are sent with each request; Header overrides them.
	Headers map[string]string
	// TLS is used for https. Default nil: certificates are not verified, as with
	// FastHttpUser; &tls.Config{} verifies them.
	TLS *tls.Config
	// Dial opens connections. It must return soon after ctx is done. Default: a
	// net.Dialer's DialContext, which looks at no proxy settings.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Pool, if it is not nil, holds the connections that the user shares with
	// others, opened with the pool's own TLS and Dial. Default: each user has its
	// own.
	Pool *Pool
	// Protocol is how requests are sent. Default HTTP1. Over HTTP/2, requests of
	// one user that run in parallel (Session.Parallel) share its connection; users
	// of a Pool share connections, whose number follows from how many streams a
	// server allows on one: MaxConns does not limit it, and nobody waits.
	Protocol Protocol
	// ReuseResponses makes the session use one Response again and again, with the
	// memory under it, for fewer allocations: a Response and all that it gives out
	// is then valid until the session's next request or the end of the task,
	// whichever comes first. Default false: each response is the caller's to keep.
	ReuseResponses bool
}

// settings are a Config with its defaults filled in. They never change, so that
// users can share them.
type settings struct {
	Config
	fields []header // Headers, in an order of their own
	usual  []byte   // what usualFields makes of them
}

func settingsFor(cfg Config) *settings {
	set := &settings{Config: cfg.withDefaults()}
	for k, v := range cfg.Headers {
		set.fields = append(set.fields, header{k, v})
	}
	slices.SortFunc(set.fields, func(a, b header) int { return cmp.Compare(a.key, b.key) })
	set.usual = usualFields(set)
	if set.Pool != nil {
		return set.Pool.shared(set)
	}
	return set
}

// same reports whether two settings of the same pool, which has their TLS and Dial,
// are alike.
func (s *settings) same(other *settings) bool {
	return s.Timeout == other.Timeout && s.ConnectTimeout == other.ConnectTimeout && s.MaxRedirects == other.MaxRedirects &&
		s.MaxBody == other.MaxBody && s.UserAgent == other.UserAgent && s.ReuseResponses == other.ReuseResponses && s.Protocol == other.Protocol &&
		slices.Equal(s.fields, other.fields)
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

func (c Config) validate() error {
	var faults []error
	if c.Protocol < HTTP1 || c.Protocol > H2C {
		faults = append(faults, fmt.Errorf("Protocol %d is none of HTTP1, HTTP2 and H2C", c.Protocol))
	}
	if c.MaxBody < 0 {
		faults = append(faults, fmt.Errorf("MaxBody %d is negative", c.MaxBody))
	}
	if c.Pool != nil && (c.TLS != nil || c.Dial != nil) {
		faults = append(faults, errors.New("TLS and Dial of shared connections belong in the PoolConfig"))
	}
	for k, v := range c.Headers {
		if !validHeader(k, v) {
			faults = append(faults, fmt.Errorf("header %q: %q cannot be sent", k, v))
		}
	}
	if !validHeader("User-Agent", c.UserAgent) {
		faults = append(faults, fmt.Errorf("user agent %q cannot be sent", c.UserAgent))
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(faults...))
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = defaultConnectTimeout
	}
	if c.MaxRedirects == 0 {
		c.MaxRedirects = defaultMaxRedirects
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.UserAgent == "" {
		c.UserAgent = defaultUserAgent
	}
	if c.Pool != nil {
		c.TLS, c.Dial = c.Pool.tls, c.Pool.dial
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	return c
}
