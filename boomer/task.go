package boomer

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// A Task is a function that users call over and over.
type Task struct {
	// Weight over the sum of all tasks' weights is the chance that a user picks the
	// task. If all weights are 0, all tasks have the same chance; otherwise one of
	// weight 0 never runs.
	Weight int
	// Fn is called by many users at a time. It must return by itself, or when
	// EVENT_STOP is published. A panic of it is an exception in the web UI.
	Fn func()
	// Name is what --run-tasks calls the task by. It may be empty.
	Name string
}

// A picker draws tasks by weight. It does not change, so it is safe for concurrent
// use.
type picker struct {
	tasks []*Task
	upTo  []int // sums of the weights up to and with each task
}

// newPicker checks the tasks.
func newPicker(tasks []*Task) (*picker, error) {
	p := &picker{tasks: tasks}
	var faults []error
	sum := 0
	for i, t := range tasks {
		switch {
		case t == nil:
			faults = append(faults, fmt.Errorf("task %d is nil", i+1))
			continue
		case t.Fn == nil:
			faults = append(faults, fmt.Errorf("task %d (%q) has no Fn", i+1, t.Name))
		case t.Weight < 0:
			faults = append(faults, fmt.Errorf("task %d (%q) has the negative weight %d", i+1, t.Name, t.Weight))
		}
		sum += t.Weight
		p.upTo = append(p.upTo, sum)
	}
	if len(tasks) == 0 {
		faults = append(faults, errors.New("there is no task: give Run at least one"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if sum == 0 {
		for i := range p.upTo {
			p.upTo[i] = i + 1
		}
	}
	return p, nil
}

// pick returns a task, drawn with r.
func (p *picker) pick(r *rand.Rand) *Task {
	last := len(p.tasks) - 1
	if last == 0 {
		return p.tasks[0]
	}
	n := r.IntN(p.upTo[last])
	for i, end := range p.upTo {
		if n < end {
			return p.tasks[i]
		}
	}
	return p.tasks[last]
}
