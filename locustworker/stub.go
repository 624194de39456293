package locustworker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// runStub prints the locustfile for the master, and returns the exit code.
func (c *command) runStub(base Config, classes []Class) int {
	names := c.args[2:]
	if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "-") }) {
		fmt.Fprintf(c.stderr, "Usage: %s stub [UserClass ...]\n\nPrints a locustfile for the Locust master with these user classes, or all:\n"+
			"  %s stub > locustfile.py && locust --master -f locustfile.py\n", c.program(), c.program())
		if slices.Equal(names, []string{"-h"}) || slices.Equal(names, []string{"--help"}) {
			return exitOK
		}
		return exitUsage
	}
	if len(names) == 0 {
		names = base.UserClasses
	}
	if missing := unknownClasses(names, classes); len(missing) > 0 {
		c.complain(fmt.Errorf("%w: %s", ErrUnknownClass, strings.Join(missing, ", ")))
		return exitError
	}
	var specs []*classSpec
	var faults []error
	for _, class := range classes {
		if s := class.spec(); len(names) == 0 || slices.Contains(names, s.name) {
			specs = append(specs, s)
			faults = append(faults, s.root.validate())
		}
	}
	if err := errors.Join(faults...); err != nil || len(specs) == 0 {
		c.complain(fmt.Errorf("%w: there is nothing to print: %w", ErrConfig, errors.Join(err, errIfNone(specs))))
		return exitError
	}
	_, _ = fmt.Fprint(c.stdout, stubOf(c.program(), specs))
	return exitOK
}

func errIfNone(specs []*classSpec) error {
	if len(specs) == 0 {
		return errors.New("no user class")
	}
	return nil
}

// stubOf returns a locustfile with the classes: what a master needs to deal users
// out and to show ratios. A Python worker that runs it fails with a clear text.
func stubOf(program string, specs []*classSpec) string {
	w := stubWriter{imports: map[string]bool{"User": true, "task": true}}
	for i, s := range specs {
		w.class(s, i+1)
	}
	program = strconv.Quote(program)
	text := fmt.Sprintf("%s is a Go worker and runs this itself; start it with --worker instead of a Python worker on this file", program)
	return strings.Join([]string{
		"# The user classes of the Go worker " + program + ", for the Locust master: names, weights, tasks and tags.\n" +
			"# Printed by its command `stub`; print it anew when the classes change. The tasks themselves are in Go.\n",
		"from locust import " + strings.Join(slices.Sorted(maps.Keys(w.imports)), ", ") + "\n\n",
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

func (w *stubWriter) class(s *classSpec, number int) {
	name, given := s.name, !plainName(s.name)
	if given {
		name = fmt.Sprintf("_class_%d", number)
		if w.late.Len() == 0 {
			w.late.WriteString("\n\n_here = globals()\n")
		}
		fmt.Fprintf(&w.late, "%s.__name__ = %s\n_here[%[2]s] = _here.pop(%q)\n", name, literal(s.name), name)
	}
	w.body.WriteString("\n\n")
	w.line(0, "class %s(_GoUser):", name)
	if s.weight != 1 {
		w.line(1, "weight = %d", s.weight)
	}
	if s.fixedCount != 0 {
		w.line(1, "fixed_count = %d", s.fixedCount)
	}
	if s.host != "" {
		w.line(1, "host = %s", literal(s.host))
	}
	if s.root.wait.python != "constant(0)" { // Locust's default
		w.wait(s.root.wait, 1)
	}
	w.tasks(&s.root, 1)
}

// wait writes a wait time, which only a Python worker would look at.
func (w *stubWriter) wait(t WaitTime, depth int) {
	if t.python == "" {
		w.line(depth, "# wait_time is a function in Go")
		return
	}
	function, _, _ := strings.Cut(t.python, "(")
	w.imports[function] = true
	w.line(depth, "wait_time = %s", t.python)
}

// tasks writes the tasks of a class or of a set, and gives those names back that
// Python does not take.
func (w *stubWriter) tasks(s *setSpec, depth int) {
	written := make(map[string]string, len(s.tasks))
	for _, t := range s.tasks {
		written[t.name] = t.name
		if !plainName(t.name) {
			w.names++
			written[t.name] = fmt.Sprintf("_task_%d", w.names)
		}
	}
	for _, t := range s.tasks {
		w.body.WriteString("\n")
		w.decorators(s, &t, written, depth)
		if t.set != nil {
			w.line(depth, "class %s(%s):", written[t.name], w.base(t.set))
			if t.set.wait.next != nil {
				w.wait(t.set.wait, depth+1)
			}
			w.tasks(t.set, depth+1)
		} else {
			w.line(depth, "def %s(self):", written[t.name])
			w.line(depth+1, "_in_go()")
		}
	}
	for _, t := range s.tasks {
		switch {
		case written[t.name] == t.name:
		case s.order == orderMarkov: // which finds its tasks by the names that they are written under
			w.line(depth, "# %s is the task %s", written[t.name], literal(t.name))
		default:
			w.line(depth, "%s.__name__ = %s", written[t.name], literal(t.name))
		}
	}
}

func (w *stubWriter) decorators(s *setSpec, t *taskSpec, written map[string]string, depth int) {
	if len(t.tags) > 0 {
		w.imports["tag"] = true
		var tags []string
		for _, tag := range t.tags {
			tags = append(tags, literal(tag))
		}
		w.line(depth, "@tag(%s)", strings.Join(tags, ", "))
	}
	if s.order != orderMarkov {
		w.line(depth, "@task(%d)", t.weight)
		return
	}
	w.imports["transitions"] = true
	var targets []string
	for _, target := range s.tasks { // in the order of declaration
		if weight, ok := s.transitions[t.name][target.name]; ok {
			targets = append(targets, fmt.Sprintf("%q: %d", written[target.name], weight))
		}
	}
	w.line(depth, "@transitions({%s})", strings.Join(targets, ", "))
}

func (w *stubWriter) base(s *setSpec) string {
	base := "TaskSet"
	switch s.order {
	case orderRandom:
	case orderSequential:
		base = "SequentialTaskSet"
	case orderMarkov:
		base = "MarkovTaskSet"
	}
	w.imports[base] = true
	return base
}

// literal writes a text as Python does in source code; a quoted text of Go is one
// too.
func literal(text string) string { return strconv.Quote(strings.ToValidUTF8(text, "\uFFFD")) }
