package locustworker

import (
	"maps"
	"slices"
	"strings"
)

// maxNames bounds the names in the text about a mismatch.
const maxNames = 20

// reportMismatch tells the master, with one exception a run, which classes and
// tasks its locustfile names and this worker does not have: the locustfile was
// printed by another version of the program. target is what the master asks for.
func (p *population) reportMismatch(target map[string]int) {
	text := p.mismatch(target)
	p.mu.Lock()
	known := text == p.mismatched
	p.mismatched = text
	p.mu.Unlock()
	if text != "" && !known && p.world.problem != nil {
		p.world.problem(text)
	}
}

// mismatch is the text of that exception, "" when all names are known.
func (p *population) mismatch(target map[string]int) string {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(target)) {
		if _, known := p.group(name); !known && target[name] > 0 {
			unknown = append(unknown, name)
		}
	}
	var wrong, has []string
	groups := p.all()
	if len(unknown) > 0 {
		names := make([]string, 0, len(groups))
		for _, g := range groups {
			names = append(names, g.class.name)
		}
		wrong = append(wrong, "the user class "+listed(unknown))
		has = append(has, "the user classes "+listed(names))
	}
	for _, g := range groups {
		class, name := g.class, g.class.name
		if tasks := class.unknownTasks(); len(tasks) > 0 && target[name] > 0 {
			wrong = append(wrong, "the task "+listed(tasks)+" of "+name)
			has = append(has, name+" with the tasks "+listed(class.root.taskNames()))
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	return "the master's locustfile names what this worker does not have: " + strings.Join(wrong, "; ") +
		". Rerun the worker's command `stub` and restart the master with the locustfile that it prints; compiled in: " +
		strings.Join(has, "; ")
}

// listed joins names, the first maxNames of them.
func listed(names []string) string {
	if len(names) > maxNames {
		names = append(slices.Clone(names[:maxNames]), "…")
	}
	return strings.Join(names, ", ")
}

// unknownTasks are the tasks that the master selects and the class does not have.
func (c *liveClass) unknownTasks() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unknown
}

func (c *liveClass) setUnknownTasks(names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unknown = names
}

// taskNames returns the names of the set's tasks, in their order.
func (s *setSpec) taskNames() []string {
	names := make([]string, 0, len(s.tasks))
	for _, t := range s.tasks {
		names = append(names, t.name)
	}
	return names
}
