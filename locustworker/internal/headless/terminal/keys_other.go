//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package terminal

// Read reports false: keys are not read on this system.
func (k *Keys) Read(func(key byte)) bool { return false }
