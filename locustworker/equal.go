package locustworker

import "slices"

// flattened returns the set with the functions of its tasks and of all sets in it
// as its own tasks, each once and of weight 1 (mirrors
// Environment.assign_equal_weights, which forgets the tasks of a Markov chain). Tags
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
			err := guard(func() (err error) {
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
