package session

// A runState says where the worker is in a test run.
//
//	state    | event                  | next     | action
//	---------+------------------------+----------+------------------------------------------------------
//	ready    | spawn                  | spawning | a new run: discard old samples; spawning; start the users
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
//	any      | quit, signal           | quitting | last report; stop the users; last report; quit; end
type runState int

const (
	ready runState = iota
	spawning
	running
	stopping
	cooling
	leaving
	quitting
)
