package locustworker

import "fmt"

// A LinkState says what the worker and the master know of each other.
//
//	state      | event                               | next       | action
//	-----------+-------------------------------------+------------+---------------------------------------------
//	down       | connected, not known to a master    | joining    | client_ready, again every joinInterval
//	down       | connected, known to a master        | probing    | heartbeats only
//	joining    | ack                                 | registered | heartbeats, a report, the queued messages
//	joining    | no ack within joinPatience, and the | down       | dial again under a new identity: a half-open
//	           | identity was used before            |            | old connection makes a ROUTER ignore it
//	probing    | heartbeat answered                  | registered | it is the same master: send what is open
//	probing    | no answer within probePatience,     | down       | dial again under the same identity
//	           | first time                          |            |
//	probing    | no answer within probePatience,     | down       | stop the users, dial again as not known to a
//	           | second time                         |            | master; samples are forgotten after the ack,
//	           |                                     |            | unless it shows the same master (sameMaster)
//	registered | no sign of the master for           | registered | see if it takes another connection
//	           | silencePatience                     |            |
//	registered | it does, and this one stays silent  | down       | dial again
//	           | for soundedPatience                 |            |
//	registered | reconnect received                  | down       | dial again
//	any        | connection lost                     | down       | settle the ledger, dial again
type LinkState int

// The states of the link, in the order in which a worker comes to them.
const (
	// LinkDown: there is no connection.
	LinkDown LinkState = iota
	// LinkJoining: the worker has asked the master to take it in.
	LinkJoining
	// LinkProbing: after a lost connection it finds out whether the master is the
	// one that it was lost to.
	LinkProbing
	// LinkRegistered: the master knows the worker.
	LinkRegistered
)

// LinkStates returns all states of the link.
func LinkStates() []LinkState {
	return []LinkState{LinkDown, LinkJoining, LinkProbing, LinkRegistered}
}

// String returns the state's name in lower case: down, joining, probing or
// registered.
func (l LinkState) String() string {
	switch l {
	case LinkDown:
		return "down"
	case LinkJoining:
		return "joining"
	case LinkProbing:
		return "probing"
	case LinkRegistered:
		return "registered"
	}
	return fmt.Sprintf("LinkState(%d)", int(l))
}

// A runState says where the worker is in a test run.
//
//	state    | event                  | next     | action
//	---------+------------------------+----------+------------------------------------------------------
//	ready    | spawn                  | spawning | a new run: forget old samples; spawning; start the users
//	spawning | spawn, newer           | spawning | spawning; give the running job up, start another
//	spawning | job done               | running  | spawning_complete
//	running  | spawn, newer           | spawning | spawning; start or stop the difference
//	not quitting, stopping or cooling:
//	any      | stop                   | stopping | stop the users
//	stopping | users gone             | cooling  | last report, client_stopped
//	cooling  | stop timeout has passed| ready    | client_ready; then what was put off
//	stopping,| spawn, stop            | same     | put off until ready
//	cooling  |                        |          |
//	any      | master does not know us| leaving  | stop the users
//	any      | no master for too long | leaving  | stop the users
//	leaving  | users gone             | ready    | join, if the master does not know us
//	any      | quit, signal           | quitting | stop the users; last report; quit; end
type runState int

const (
	runReady runState = iota
	runSpawning
	runRunning
	runStopping
	runCooling
	runLeaving
	runQuitting
)
