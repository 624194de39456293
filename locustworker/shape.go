package locustworker

import "time"

// A LoadShape sets the number of users of a run without a master, moment by moment
// (Locust's LoadTestShape). Package loadshape has some.
type LoadShape interface {
	// Tick is called once a second and returns the stage that the run shall be in,
	// or false to end it. Every change begins another ramp, from the users that
	// there are. It is called by one goroutine and must be quick.
	Tick(m ShapeMoment) (stage ShapeStage, ok bool)
}

// A ShapeMoment is what a load shape may look at.
type ShapeMoment struct {
	// RunTime is the time since the start (get_run_time).
	RunTime time.Duration
	// Users is how many users are alive (get_current_user_count).
	Users int
	// Requests and Failures are those of the run so far.
	Requests, Failures int64
}

// A ShapeStage is the users that a load shape asks for.
type ShapeStage struct {
	// Users is their number.
	Users int
	// SpawnRate is how many users a second start, or stop, until there are so many.
	// It must be above 0.
	SpawnRate float64
	// Classes are the names of the classes that new users are of; nil: all.
	Classes []string
}
