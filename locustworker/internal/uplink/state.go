package uplink

import "fmt"

// A State says what the worker and the master know of each other.
//
//	state      | event                               | next       | action
//	-----------+-------------------------------------+------------+---------------------------------------------
//	down       | connected, identity new or doubted  | joining    | client_ready, again every joinInterval
//	           | or replaced                         |            |
//	down       | connected, identity known           | probing    | heartbeats only
//	joining    | ack                                 | registered | heartbeats, a report, the queued messages
//	joining    | identity doubted, and no ack within | down       | dial again under a new identity: a half-open
//	           | rejoinInterval                      |            | old connection makes a ROUTER ignore it
//	joining    | no ack to joinLimit client_ready,   | down       | dial again: the ROUTER may ignore this one
//	           | not the identity's first connection |            |
//	probing    | heartbeat answered                  | registered | it is the same master: send what is open
//	probing    | no answer within probeTimeout,      | down       | dial again under the same identity
//	           | first time                          |            |
//	probing    | no answer within probeTimeout,      | probing    | the owner ends the run, then Rejoin
//	           | second time                         |            |
//	probing    | Rejoin                              | down       | dial again, the identity doubted
//	registered | reconnect received                  | down       | dial again
//	registered | no sign of the master for           | down       | dial again
//	           | SilenceLimit                        |            |
//	connected  | sent bytes stay unacknowledged for  | same       | see if the machine takes a connection
//	           | ackLimit                            |            |
//	connected  | it does, and they still are after   | down       | dial again
//	           | reachLimit more                     |            |
//	connected  | connection lost                     | down       | close it, settle the ledger, dial again
//
// A master whose program stands still answers nothing, but its machine goes on
// acknowledging what it receives: such a connection is kept, and nothing on it is
// sent twice. Where the system does not tell what is acknowledged (other than
// Linux), only the connection's end and SilenceLimit count.
type State int

// The states of the link, in the order in which a worker comes to them.
const (
	// Down: there is no connection.
	Down State = iota
	// Joining: the worker has asked the master to take it in.
	Joining
	// Probing: after a lost connection it finds out whether the master is the one
	// that it was lost to.
	Probing
	// Registered: the master knows the worker.
	Registered
)

// States returns all states.
func States() []State { return []State{Down, Joining, Probing, Registered} }

// String returns the state's name in lower case: down, joining, probing or
// registered.
func (s State) String() string {
	switch s {
	case Down:
		return "down"
	case Joining:
		return "joining"
	case Probing:
		return "probing"
	case Registered:
		return "registered"
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// A standing says what is known of the worker's identity, and so whose the samples
// are that were not delivered.
//
//	standing | event                              | next     | samples that were not delivered
//	---------+------------------------------------+----------+--------------------------------
//	fresh    | ack                                | known    | stay
//	known    | no answer to two probes, Rejoin    | doubted  | wait for the ack
//	resumed  | as known                           | doubted  |
//	resumed  | heartbeat answered, ledger empty   | known    | have arrived
//	doubted  | ack, by another master             | known    | are discarded
//	doubted  | ack, by the same master            | resumed  | are sent
//	doubted  | no ack within rejoinInterval       | replaced | wait for the ack
//	replaced | ack, by another master             | known    | are discarded
//	replaced | ack, by the same master            | resumed  | are sent
//
// It is the same master when it answers the heartbeat that comes before client_ready,
// or when it gives the worker the index that it had and can have dropped it
// (masterMemory), or when it ignored the identity and gives the
// new one a higher index than the old one had, as masters count: then it holds a
// connection of the old one whose end it has not seen.
type standing int

const (
	fresh    standing = iota // no master has heard the identity
	known                    // a master has acknowledged it
	resumed                  // as known; what it has missed of an interrupted run is on its way
	doubted                  // the master that it was lost to did not answer it
	replaced                 // it stands for a doubted one that was ignored
)
