package wire

import "time"

// Envelope is a decoded message from the master.
type Envelope struct {
	Type string
	// NodeID is the worker that the master addressed.
	NodeID string
	// Size is the frame's length in bytes.
	Size int
	// Body is never nil.
	Body Inbound
}

// Inbound is the content of a message from the master. The set is closed:
// [Ack], [Spawn], [Stop], [Quit], [Reconnect], [HeartbeatReply],
// [UpdateUserClass], [SpawningComplete], and [Custom] for every other type.
type Inbound interface{ inbound() }

// Ack answers [ClientReady].
type Ack struct {
	// Index is the worker's number in the fleet, counted from 0. It is valid
	// when HasIndex is set; masters before 2.10.2 send none.
	Index    int
	HasIndex bool
}

// Spawn sets the number of users to run.
type Spawn struct {
	// Timestamp is the master's clock in seconds; a worker discards a message
	// that is not newer than the last one it accepted.
	Timestamp float64
	// UserClassesCount holds absolute targets for this worker by class name.
	// A class that is absent stays as it is. Counts are never negative.
	UserClassesCount map[string]int
	// Host overrides the classes' host; "" (or none sent) leaves it alone.
	Host string
	// StopTimeout is 0 when none was sent.
	StopTimeout time.Duration
	// ParsedOptions are the master's command line options, custom ones
	// included; nil when none were sent. Values are as in [Custom].
	ParsedOptions map[string]any
}

// Stop ends the test run.
type Stop struct{}

// Reconnect asks for a new connection with the same identity.
type Reconnect struct{}

// HeartbeatReply answers a [Heartbeat] of a worker that the master knows.
type HeartbeatReply struct{}

// UpdateUserClass edits a user class while it runs.
type UpdateUserClass struct {
	Class string
	// Tasks are the names of the tasks to keep, valid when HasTasks is set.
	Tasks    []string
	HasTasks bool
	// Attributes are the other things to set, such as "host"; never nil.
	// Values are as in [Custom].
	Attributes map[string]any
}

func (Ack) inbound()              {}
func (Spawn) inbound()            {}
func (Stop) inbound()             {}
func (Quit) inbound()             {}
func (Reconnect) inbound()        {}
func (HeartbeatReply) inbound()   {}
func (UpdateUserClass) inbound()  {}
func (SpawningComplete) inbound() {}
func (Custom) inbound()           {}
