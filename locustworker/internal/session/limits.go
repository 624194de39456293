package session

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// What a master may have the worker keep. Its port has no authentication: whatever
// listens there can send anything. What is beyond a limit is dropped, with an error in
// the log and an exception on the master's page.
const (
	// DefaultMaxUsers is Config.MaxUsers when that is 0.
	DefaultMaxUsers = 1_000_000
	// MaxClasses is how many classes the spawn messages of one run may name.
	MaxClasses = 1000
	// MaxName is how long the name of a class or a task may be, in bytes.
	MaxName = 1 << 10
	// MaxTasks is how many tasks an update_user_class message may name.
	MaxTasks = 1000
	// maxPutOff is how many spawn and stop messages wait for the end of a run, and how
	// many spawn messages for message handlers.
	maxPutOff = 1000
	// maxPutOffBytes is how long those that wait may be together, as received.
	maxPutOffBytes = 64 << 20
	// maxCalls is how many calls of message handlers wait or run, and how many
	// events wait for their listeners.
	maxCalls = 10_000
	// maxCallBytes is how long the messages may be together whose handlers have not
	// returned, as received.
	maxCallBytes = 64 << 20
	// refusalInterval is how often one kind of refusal is reported.
	refusalInterval = 10 * time.Second
	// maxListed is how many names one log line has.
	maxListed = 20
)

// A refusal is a kind of thing that the worker does not do for its master.
type refusal string

const (
	refusedSpawn   refusal = "a spawn message"
	refusedUpdate  refusal = "an update of a user class"
	refusedPutOff  refusal = "a spawn or stop message"
	refusedMessage refusal = "a custom message"
	refusedEvent   refusal = "the call of an event's listener"
)

// refusals limits how often each kind is reported.
type refusals map[refusal]*refused

type refused struct {
	reported time.Time
	held     int // since then
}

// refuse reports what the worker does not do, and why, at most every refusalInterval
// for each kind.
func (s *Session) refuse(what refusal, why string) {
	r := s.refusals[what]
	if r == nil {
		r = &refused{}
		s.refusals[what] = r
	} else if time.Since(r.reported) < refusalInterval {
		r.held++
		return
	}
	if r.held > 0 {
		why += fmt.Sprintf(" (%d more since the last report)", r.held)
	}
	r.reported, r.held = time.Now(), 0
	s.cfg.Refused(string(what), "the worker refused "+string(what)+": "+why)
}

// admit tells whether the worker takes a spawn message, and remembers its targets.
func (s *Session) admit(m wire.Spawn) bool {
	why := badNames("class", len(m.UserClassesCount), MaxClasses, maps.Keys(m.UserClassesCount))
	if why != "" {
		s.refuse(refusedSpawn, why)
		return false
	}
	target := make(map[string]int)
	if s.run != ready {
		maps.Copy(target, s.target)
	}
	maps.Copy(target, m.UserClassesCount)
	users := 0
	for _, n := range target {
		users += n
	}
	switch {
	case users > s.cfg.MaxUsers:
		s.refuse(refusedSpawn, fmt.Sprintf(
			"%d users would run, and this worker runs %d at most (Config.MaxUsers): start more workers, or ask for fewer users", users, s.cfg.MaxUsers))
		return false
	case len(target) > MaxClasses:
		s.refuse(refusedSpawn, fmt.Sprintf("the spawn messages of this run name %d classes, and the limit is %d", len(target), MaxClasses))
		return false
	}
	s.target = target
	return true
}

// update obeys update_user_class.
func (s *Session) update(m wire.UpdateUserClass) {
	why := badNames("class", 1, 1, slices.Values([]string{m.Class}))
	if why == "" {
		why = badNames("task", len(m.Tasks), MaxTasks, slices.Values(m.Tasks))
	}
	if why == "" {
		why = badNames("attribute", len(m.Attributes), MaxTasks, maps.Keys(m.Attributes))
	}
	if why != "" {
		s.refuse(refusedUpdate, why)
		return
	}
	s.cfg.Fleet.Update(m)
}

// badNames says what is wrong with the names in a message, "" when nothing is.
func badNames(what string, n, limit int, names func(yield func(string) bool)) string {
	if n > limit {
		return fmt.Sprintf("it has %d names of the kind %q, and the limit is %d", n, what, limit)
	}
	for name := range names {
		if len(name) > MaxName {
			return fmt.Sprintf("the name of a %s has %d bytes, and the limit is %d: %q…", what, len(name), MaxName, name[:40])
		}
	}
	return ""
}

// putOff keeps a message for later, unless too many wait already.
type putOff struct {
	messages []inbound
	bytes    int
}

// An inbound is a message and its length as received.
type inbound struct {
	body wire.Inbound
	size int
}

func (p *putOff) add(m inbound) bool {
	if len(p.messages) >= maxPutOff || (len(p.messages) > 0 && p.bytes+m.size > maxPutOffBytes) {
		return false
	}
	p.messages = append(p.messages, m)
	p.bytes += m.size
	return true
}

// take returns what was put off and forgets it.
func (p *putOff) take() []inbound {
	messages := p.messages
	*p = putOff{}
	return messages
}

// listed joins names, the first maxListed of them.
func listed(names []string) string {
	if len(names) > maxListed {
		names = append(slices.Clone(names[:maxListed]), fmt.Sprintf("and %d more", len(names)-maxListed))
	}
	return strings.Join(names, ", ")
}
