package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// runStub prints the locustfile for the master, and returns the exit code.
func (c *Command) runStub(_ context.Context, names []string) int {
	if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "-") }) {
		fmt.Fprintf(c.Stderr, "Usage: %s stub [UserClass ...]\n\nPrints a locustfile for the Locust master with these user classes, or all:\n"+
			"  %s stub > locustfile.py && locust --master -f locustfile.py\n", c.program(), c.program())
		if slices.Equal(names, []string{"-h"}) || slices.Equal(names, []string{"--help"}) {
			return ExitOK
		}
		return ExitUsage
	}
	if len(names) == 0 {
		names = c.Defaults.UserClasses
	}
	if missing := unknownClasses(names, c.Classes); len(missing) > 0 {
		c.complain(fmt.Errorf("unknown user class: %s\n%s", strings.Join(missing, ", "), c.suggest(missing[0])))
		return ExitError
	}
	var classes []Class
	var faults []error
	for _, class := range c.Classes {
		if len(names) == 0 || slices.Contains(names, class.Name) {
			classes = append(classes, class)
			faults = append(faults, class.Fault)
		}
	}
	if len(classes) == 0 {
		faults = append(faults, errors.New("no user class"))
	}
	if err := errors.Join(faults...); err != nil {
		c.complain(fmt.Errorf("there is nothing to print: %w", err))
		return ExitError
	}
	_, _ = fmt.Fprint(c.Stdout, stubOf(c.program(), classes))
	return ExitOK
}

// stubOf returns a locustfile with the classes: what a master needs to deal users
// out and to show ratios. A Python worker that runs it fails with a clear text.
func stubOf(program string, classes []Class) string {
	w := stubWriter{imports: map[string]bool{"User": true, "task": true}}
	for i := range classes {
		w.class(&classes[i], i+1)
	}
	text := fmt.Sprintf("%s is a Go worker and runs these users itself, in place of a Python worker. Master: `%s stub > locustfile.py "+
		"&& locust --master -f locustfile.py`; worker: `%s --worker --master-host <host of the master>`", strconv.Quote(program), program, program)
	program = strconv.Quote(program)
	w.imports["events"] = true
	return strings.Join([]string{
		"# The user classes of the Go worker " + program + ", for the Locust master: names, weights, tasks and tags.\n" +
			"# Printed by its command `stub`; print it anew when the classes change. The tasks themselves are in Go.\n",
		"import logging\n\nimport gevent",
		"from locust import " + strings.Join(slices.Sorted(maps.Keys(w.imports)), ", "),
		"from locust.runners import MasterRunner\n\n",
		obeyGoWorkers + "\n",
		"def _in_go(error=RuntimeError):",
		"    raise error(" + strconv.Quote(strings.ToValidUTF8(text, "\uFFFD")) + ")\n\n",
		"class _GoUser(User):",
		"    abstract = True\n",
		"    def on_start(self):",
		"        _in_go()",
		w.body.String() + w.late.String(),
	}, "\n")
}

// A stubWriter writes user classes in Python.
type stubWriter struct {
	imports map[string]bool
	body    strings.Builder
	late    strings.Builder // what must stand after all classes
	names   int             // given to what has no name that Python takes
}

func (w *stubWriter) line(depth int, format string, args ...any) {
	w.body.WriteString(strings.Repeat("    ", depth) + fmt.Sprintf(format, args...) + "\n")
}

func (w *stubWriter) class(s *Class, number int) {
	name, given := s.Name, !plainName(s.Name)
	if given {
		name = fmt.Sprintf("_class_%d", number)
		if w.late.Len() == 0 {
			w.late.WriteString("\n\n_here = globals()\n")
		}
		fmt.Fprintf(&w.late, "%s.__name__ = %s\n_here[%[2]s] = _here.pop(%q)\n", name, literal(s.Name), name)
	}
	w.body.WriteString("\n\n")
	w.line(0, "class %s(_GoUser):", name)
	if s.Weight != 1 {
		w.line(1, "weight = %d", s.Weight)
	}
	if s.FixedCount != 0 {
		w.line(1, "fixed_count = %d", s.FixedCount)
	}
	if s.Host != "" {
		w.line(1, "host = %s", literal(s.Host))
	}
	if s.Tasks.Wait != "constant(0)" { // Locust's default
		w.wait(s.Tasks.Wait, 1)
	}
	w.tasks(&s.Tasks, 1)
}

// wait writes a wait time, which only a Python worker would look at.
func (w *stubWriter) wait(text string, depth int) {
	if text == "" {
		w.line(depth, "# wait_time is a function in Go")
		return
	}
	function, _, _ := strings.Cut(text, "(")
	w.imports[function] = true
	w.line(depth, "wait_time = %s", text)
}

// tasks writes the tasks of a class or of a set, and gives those names back that
// Python does not take.
func (w *stubWriter) tasks(s *Set, depth int) {
	written := make(map[string]string, len(s.Tasks))
	for _, t := range s.Tasks {
		written[t.Name] = t.Name
		if !plainName(t.Name) {
			w.names++
			written[t.Name] = fmt.Sprintf("_task_%d", w.names)
		}
	}
	for _, t := range s.Tasks {
		w.body.WriteString("\n")
		w.decorators(s, &t, written, depth)
		if t.Set != nil {
			w.line(depth, "class %s(%s):", written[t.Name], w.base(t.Set))
			if t.Set.Waits {
				w.wait(t.Set.Wait, depth+1)
			}
			w.tasks(t.Set, depth+1)
		} else {
			w.line(depth, "def %s(self):", written[t.Name])
			w.line(depth+1, "_in_go()")
		}
	}
	for _, t := range s.Tasks {
		switch {
		case written[t.Name] == t.Name:
		case s.Order == Markov: // which finds its tasks by the names that they are written under
			w.line(depth, "# %s is the task %s", written[t.Name], literal(t.Name))
		default:
			w.line(depth, "%s.__name__ = %s", written[t.Name], literal(t.Name))
		}
	}
}

func (w *stubWriter) decorators(s *Set, t *Task, written map[string]string, depth int) {
	if len(t.Tags) > 0 {
		w.imports["tag"] = true
		var tags []string
		for _, tag := range t.Tags {
			tags = append(tags, literal(tag))
		}
		w.line(depth, "@tag(%s)", strings.Join(tags, ", "))
	}
	if s.Order != Markov {
		w.line(depth, "@task(%d)", t.Weight)
		return
	}
	w.imports["transitions"] = true
	var targets []string
	for _, target := range s.Tasks { // in the order of declaration
		if weight, ok := s.Transitions[t.Name][target.Name]; ok {
			targets = append(targets, fmt.Sprintf("%q: %d", written[target.Name], weight))
		}
	}
	w.line(depth, "@transitions({%s})", strings.Join(targets, ", "))
}

func (w *stubWriter) base(s *Set) string {
	base := "TaskSet"
	switch s.Order {
	case Random:
	case Sequential:
		base = "SequentialTaskSet"
	case Markov:
		base = "MarkovTaskSet"
	}
	w.imports[base] = true
	return base
}

// literal writes a text as Python does in source code; a quoted text of Go is one
// too.
func literal(text string) string { return strconv.Quote(strings.ToValidUTF8(text, "\uFFFD")) }
