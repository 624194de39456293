package locustworker

import (
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// handle gives a custom message to its handler (mirrors handle_message's last
// cases).
func (s *session) handle(e wire.Envelope, m wire.Custom) {
	h, ok := s.cfg.Messages[m.Type]
	if !ok {
		s.log.Warn("Unknown message type received: " + m.Type)
		return
	}
	call := func() {
		err := guard(func() error { return h.Handle(s.env, Message{Type: m.Type, NodeID: e.NodeID, Data: m.Data}) })
		if err != nil {
			s.log.Error("uncaught error in a message handler", "type", m.Type, "error", err)
		}
	}
	if h.Concurrent {
		s.handlers.Go(call)
	} else {
		s.messages.add(call)
	}
}

// update edits a user class.
func (s *session) update(m wire.UpdateUserClass) {
	settings := UserSettings{Class: m.Class}
	if m.HasTasks {
		settings.Tasks = append([]string{}, m.Tasks...)
	}
	for name, value := range m.Attributes {
		host, isText := value.(string)
		switch {
		case name == "host" && isText:
			settings.Host = &host
		case name == "weight", name == "fixed_count":
			// the master deals users out by them
		default:
			s.log.Warn("the master sets an attribute that a Go class does not have",
				"class", m.Class, "attribute", name, "value", value)
		}
	}
	if !s.users.update(settings) {
		s.log.Error("the master edits a class that this worker does not have", "class", m.Class)
	}
}

// fleetSpawned follows the end of a ramp (mirrors Runner's on_spawning_complete).
func (s *session) fleetSpawned(users int) {
	s.messages.add(func() { s.hooks.spawningComplete(users) })
	if s.cfg.ResetStats {
		s.log.Info("Resetting stats")
		s.forgotten += s.recorder.store.Reset()
	}
}
