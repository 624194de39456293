package cli

import (
	"strings"
	"testing"
)

// TestBoomerFlags: each flag of package boomer that is no option gets an answer that
// names what to do instead, however it is written.
func TestBoomerFlags(t *testing.T) {
	for name, instead := range map[string]string{
		"request-increase-rate": "--spawn-rate", "run-tasks": "NewStandaloneUser",
		"mem-profile": "pprof", "mem-profile-duration": "pprof", "cpu-profile": "pprof", "cpu-profile-duration": "pprof",
	} {
		for _, args := range [][]string{{"--" + name, "1"}, {"-" + name, "1"}, {"--" + name + "=1"}, {"-" + name + "=1"}} {
			c, sh := testCommand(nil, args...)
			code, said := c.Run(t.Context()), sh.stderr.String()
			if code != ExitUsage || !strings.Contains(said, "package boomer") || !strings.Contains(said, instead) {
				t.Errorf("%q: exit code %d, %s", args, code, said)
			}
		}
	}
	for _, args := range [][]string{{"--", "--run-tasks"}, {"--help", "--run-tasks"}, {"run-tasks"}, {"--max-rps", "10"}, {"--master-host", "a", "--master-port", "1"}} {
		if err := refuseBoomerFlags(args); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}
