// What docs/worker-metrics.md takes for known.
package main

import "github.com/bandwing/bandwing/locustworker"

var classes []locustworker.Class
