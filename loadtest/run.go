package loadtest

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/bandwing/bandwing/locustworker"
)

// A run is what the users of one test run share besides the documents. It is
// safe for concurrent use.
type run struct {
	cfg Config // complete
	// chances are how often tasks run when they are picked, for classes whose
	// weights are not those that they were made with.
	chances map[string]float64

	mu      sync.Mutex
	users   map[string]int  // of each class so far
	without map[string]bool // what was said to lack data
}

// newRun returns a run of a configuration, in classes that were made with
// another one.
func newRun(cfg, classes Config) *run {
	r := &run{cfg: cfg.withDefaults(), users: map[string]int{}, without: map[string]bool{}, chances: map[string]float64{}}
	for _, s := range sets() {
		most := 0.0
		wanted := make([]float64, len(s.tasks))
		for i, t := range s.tasks {
			name := s.name + "." + t.name
			wanted[i] = float64(cfg.weight(name, t.weight)) / float64(max(1, classes.weight(name, t.weight)))
			most = max(most, wanted[i])
		}
		if slices.Min(wanted) == most {
			continue
		}
		for i, t := range s.tasks {
			r.chances[s.name+"."+t.name] = wanted[i] / most
		}
	}
	return r
}

// seed seeds the next user of a class, and returns the random numbers for its
// documents. With a seed, both are the same for the n-th user on the worker of an
// index in each run. The documents have numbers of their own, because how many
// they take depends on replies, and the order of tasks and the pauses shall not.
func (r *run) seed(self *locustworker.User, class string, index int) *rand.Rand {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users[class]++
	if r.cfg.Seed == 0 {
		return self.Rand()
	}
	h := fnv.New64a()
	var numbers [16]byte
	binary.LittleEndian.PutUint64(numbers[:], uint64(index+1))
	binary.LittleEndian.PutUint64(numbers[8:], uint64(r.users[class]))
	_, _ = h.Write(append(numbers[:], class...)) // never fails
	self.Reseed(r.cfg.Seed, h.Sum64())
	return rand.New(rand.NewPCG(^r.cfg.Seed, h.Sum64()))
}

// first tells whether a lack of data is said for the first time in the run.
func (r *run) first(what string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.without[what]
	r.without[what] = true
	return !said
}
