package cli

import "slices"

// A Class is what the command line needs to know of a user class.
type Class struct {
	Name       string
	Weight     int
	FixedCount int
	Host       string
	// Tasks are the class's own tasks and wait time.
	Tasks Set
	// Fault is what is wrong with the declaration; nil for nothing.
	Fault error
}

// A Set is the tasks of a class or of a task set.
type Set struct {
	Order Order
	Tasks []Task
	// Transitions are those of a Markov chain: from name to name, with weights.
	Transitions map[string]map[string]int
	// Waits says that there is a wait time; without one a task set has that of its user.
	Waits bool
	// Wait is the wait time as a locustfile writes it; "" for one that it cannot write.
	Wait string
}

// A Task is a function or a task set.
type Task struct {
	Name   string
	Weight int
	Tags   []string
	Set    *Set // nil: a function
}

// An Order is the way in which a set picks its tasks.
type Order int

// The orders.
const (
	Random Order = iota
	Sequential
	Markov
)

// classNames returns the names of the classes, in their order.
func classNames(classes []Class) []string {
	names := make([]string, 0, len(classes))
	for _, class := range classes {
		names = append(names, class.Name)
	}
	return names
}

// unknownClasses returns each name that no class has, once.
func unknownClasses(names []string, classes []Class) []string {
	known := classNames(classes)
	var missing []string
	for _, name := range names {
		if !slices.Contains(known, name) && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	return missing
}
