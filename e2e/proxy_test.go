package e2e

import (
	"fmt"
	"testing"

	"github.com/bandwing/bandwing/internal/faultproxy"
)

// newProxy puts a proxy before a master; it ends with the test.
func newProxy(t *testing.T, masterPort int) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.New(fmt.Sprintf("127.0.0.1:%d", masterPort))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
