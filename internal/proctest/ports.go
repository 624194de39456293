package proctest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
)

// Below the ports that Linux gives to outgoing connections (32768 and above by default): with a few hundred of those
// in the tests beside, a port that was free just now may be somebody's when the program listens on it.
const (
	lowestPort  = 10_240
	highestPort = 32_767
	portTries   = 1000
)

// FreePorts returns n different ports on 127.0.0.1 that nobody listens on, for programs that cannot be told to take a
// free one themselves.
func FreePorts(n int) ([]int, error) {
	ports := make(map[int]bool, n)
	for range portTries {
		if len(ports) == n {
			return slices.Sorted(maps.Keys(ports)), nil
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return nil, err
		}
		ports[port] = true
	}
	return nil, fmt.Errorf("proctest: found %d free ports of %d", len(ports), n)
}
