package proctest

import (
	"net"
	"strconv"
	"testing"
)

func TestFreePorts(t *testing.T) {
	ports, err := FreePorts(50)
	if err != nil || len(ports) != 50 {
		t.Fatalf("%v, %v", ports, err)
	}
	for _, port := range ports {
		if port < lowestPort || port > highestPort {
			t.Errorf("port %d", port)
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Errorf("not free, or there twice: %v", err)
			continue
		}
		t.Cleanup(func() { l.Close() }) // at the end, so that a port that is there twice shows
	}
}
