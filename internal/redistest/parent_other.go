//go:build !linux

package redistest

import "os/exec"

// dieWithParent does nothing: only Linux offers it. A test process that is killed leaves its server running here.
func dieWithParent(*exec.Cmd) {}
