//go:build !linux

package faultproxy

import (
	"errors"
	"net"
)

// deafen needs Linux's socket filters.
func deafen(net.Conn) error { return errors.New("faultproxy: half-open connections need Linux") }
