package locustworker

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/bandwing/bandwing/locustworker/internal/traceback"
)

// next picks a task, or nil when the set has none left.
func (f *frame) next(r *rand.Rand) *taskSpec {
	if len(f.set.tasks) == 0 {
		return nil
	}
	switch f.set.order {
	case orderSequential:
		return f.nextInLine()
	case orderMarkov:
		return f.nextInChain(r)
	case orderRandom:
	}
	return f.set.pick(r.IntN(f.set.totalWeight()))
}

func (f *frame) nextInLine() *taskSpec {
	if int(f.runs) == f.set.tasks[f.current].weight {
		f.current, f.runs = (f.current+1)%int32(len(f.set.tasks)), 0
	}
	f.runs++
	return &f.set.tasks[f.current]
}

// nextInChain mirrors MarkovTaskSet.get_next_task: the one after is drawn when a
// task is handed out.
func (f *frame) nextInChain(r *rand.Rand) *taskSpec {
	task := &f.set.tasks[f.current]
	targets := f.set.transitions[task.name]
	sum := 0
	for _, weight := range targets {
		sum += weight
	}
	n := r.IntN(sum)
	for _, to := range slices.Sorted(maps.Keys(targets)) { // sorted: a seeded run can be repeated
		if n -= targets[to]; n < 0 {
			f.current = int32(slices.IndexFunc(f.set.tasks, func(t taskSpec) bool { return t.name == to }))
			break
		}
	}
	return task
}

// pick chooses a task by weight: n is uniform in [0, totalWeight).
func (s *setSpec) pick(n int) *taskSpec {
	for i := range s.tasks {
		if n -= s.tasks[i].weight; n < 0 {
			return &s.tasks[i]
		}
	}
	return nil
}

func (s *setSpec) totalWeight() int {
	sum := 0
	for i := range s.tasks {
		sum += s.tasks[i].weight
	}
	return sum
}

// withTags returns the set as a run with these tags has it: a task stays if it
// has one of the tags, when there are any, and none of the excluded; a nested set
// stays if a task of it does (mirrors filter_tasks_by_tags). Its tags count for
// all its tasks. emptied is called with the name of every set that has no task
// left.
func (s *setSpec) withTags(tags, excluded []string, emptied func(name string)) *setSpec {
	return s.filter(nil, tags, excluded, emptied)
}

func (s *setSpec) filter(inherited, tags, excluded []string, emptied func(string)) *setSpec {
	kept := *s
	kept.tasks = nil
	for _, t := range s.tasks {
		own := slices.Concat(inherited, t.tags)
		if t.set != nil {
			t.set = t.set.filter(own, tags, excluded, emptied)
			if len(t.set.tasks) > 0 {
				kept.tasks = append(kept.tasks, t)
			}
			continue
		}
		has := func(tag string) bool { return slices.Contains(own, tag) }
		if (len(tags) == 0 || slices.ContainsFunc(tags, has)) && !slices.ContainsFunc(excluded, has) {
			kept.tasks = append(kept.tasks, t)
		}
	}
	if s.order == orderMarkov {
		kept.tasks = s.tasks // filtering would break the chain
	}
	if len(kept.tasks) == 0 {
		emptied(s.name)
	}
	return &kept
}

// only returns the set with the named tasks of it (mirrors
// Environment.update_user_class).
func (s *setSpec) only(names []string) *setSpec {
	kept := *s
	kept.tasks = slices.DeleteFunc(slices.Clone(s.tasks), func(t taskSpec) bool {
		return !slices.Contains(names, t.name)
	})
	return &kept
}

// flattened returns the set with the functions of its tasks and of all sets in it
// as its own tasks, each once and of weight 1 (mirrors
// Environment.assign_equal_weights, which drops the tasks of a Markov chain). Tags
// of a set count for its tasks.
func (s *setSpec) flattened() *setSpec {
	flat := *s
	flat.tasks = s.functions(nil, nil, map[*setSpec]bool{})
	return &flat
}

// functions returns the functions of a set that stands in the sets around. seen has
// the sets that were looked at: one that is nested twice counts once.
func (s *setSpec) functions(around []*setSpec, tags []string, seen map[*setSpec]bool) []taskSpec {
	var all []taskSpec
	for _, t := range s.tasks {
		own := slices.Concat(tags, t.tags)
		switch {
		case t.set == nil:
			t.weight, t.tags, t.within = 1, own, around
			all = append(all, t)
		case !seen[t.set]:
			seen[t.set] = true
			all = append(all, t.set.functions(append(slices.Clip(around), t.set), own, seen)...)
		}
	}
	return all
}

// stateIn returns what a task of flattened sets runs on: the state of the innermost,
// made when it is first needed and kept as long as the user. In Locust it is the
// user itself, which keeps what tasks set on it, and no set is entered or left.
func (u *User) stateIn(sets []*setSpec, state any) (any, error) {
	for _, set := range sets {
		made, known := u.states[set]
		if !known {
			err := traceback.Guard(func() (err error) {
				made, err = set.newState(state)
				return err
			})
			if err != nil {
				return nil, &taskError{err, constructorSite(set)}
			}
			if u.states == nil {
				u.states = make(map[*setSpec]any)
			}
			u.states[set] = made
		}
		state = made
	}
	return state, nil
}

// taskNames returns the names of the set's tasks, in their order.
func (s *setSpec) taskNames() []string {
	names := make([]string, 0, len(s.tasks))
	for _, t := range s.tasks {
		names = append(names, t.name)
	}
	return names
}
