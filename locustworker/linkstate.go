package locustworker

import "github.com/bandwing/bandwing/locustworker/internal/uplink"

// A LinkState says what the worker and the master know of each other: LinkDown,
// LinkJoining, LinkProbing or LinkRegistered. Its String is the name in lower case:
// down, joining, probing or registered.
type LinkState = uplink.State

// The states of the link, in the order in which a worker comes to them.
const (
	// LinkDown: there is no connection.
	LinkDown = uplink.Down
	// LinkJoining: the worker has asked the master to take it in.
	LinkJoining = uplink.Joining
	// LinkProbing: after a lost connection it finds out whether the master is the
	// one that it was lost to.
	LinkProbing = uplink.Probing
	// LinkRegistered: the master knows the worker.
	LinkRegistered = uplink.Registered
)

// LinkStates returns all states of the link.
func LinkStates() []LinkState { return uplink.States() }
