package cli

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var (
	timespan = regexp.MustCompile(`^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$`)
	seconds  = regexp.MustCompile(`^\d+$`)
)

// parseTimespan reads a time as Locust's parse_timespan does: whole seconds, or
// hours, minutes and seconds in that order, such as 20, 20s, 3m or 1h20m30s.
func parseTimespan(text string) (time.Duration, error) {
	if seconds.MatchString(text) {
		text += "s"
	}
	parts := timespan.FindStringSubmatch(text)
	if parts == nil || text == "" {
		return 0, fmt.Errorf("%q is not a time: write 20, 20s, 3m, 2h, 1h20m or 3h30m10s", text)
	}
	var sum time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.ParseInt(parts[i+1], 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%q is too long a time", text)
		}
		sum += time.Duration(n) * unit
	}
	return sum, nil
}
