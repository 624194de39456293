package boomer

import (
	"math/rand/v2"
	"sync"
)

// A TaskSet is a number of tasks of which Run runs one: give its Run method to a
// Task as Fn.
type TaskSet interface {
	// AddTask adds a task. One whose weight is below 1 is ignored.
	AddTask(task *Task)
	// SetWeight sets the weight of the set itself.
	SetWeight(weight int)
	// GetWeight returns the weight of the set itself, 0 by default.
	GetWeight() (weight int)
	// Run picks a task and runs it. A set without tasks does nothing.
	Run()
}

var (
	_ TaskSet = (*WeighingTaskSet)(nil)
	_ TaskSet = (*SmoothRoundRobinTaskSet)(nil)
)

// A WeighingTaskSet picks its tasks at random, by weight. Its methods are safe for
// concurrent use.
type WeighingTaskSet struct {
	mu     sync.RWMutex
	weight int
	tasks  []*Task
	upTo   []int // sums of the weights up to and with each task
}

// NewWeighingTaskSet returns a set without tasks.
func NewWeighingTaskSet() *WeighingTaskSet { return &WeighingTaskSet{} }

// AddTask adds a task. One whose weight is below 1, and nil, is ignored.
func (s *WeighingTaskSet) AddTask(task *Task) {
	if task == nil || task.Weight <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = append(s.tasks, task)
	s.upTo = append(s.upTo, s.sum()+task.Weight)
}

// sum returns the sum of all weights.
func (s *WeighingTaskSet) sum() int {
	if len(s.upTo) == 0 {
		return 0
	}
	return s.upTo[len(s.upTo)-1]
}

// GetTask returns the task that a roll from 0 up to, but without, the sum of all
// weights falls on; nil if it falls on none.
func (s *WeighingTaskSet) GetTask(roll int) *Task {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.task(roll)
}

func (s *WeighingTaskSet) task(roll int) *Task {
	if roll < 0 {
		return nil
	}
	for i, end := range s.upTo {
		if roll < end {
			return s.tasks[i]
		}
	}
	return nil
}

// SetWeight sets the weight of the set itself.
func (s *WeighingTaskSet) SetWeight(weight int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.weight = weight
}

// GetWeight returns the weight of the set itself.
func (s *WeighingTaskSet) GetWeight() (weight int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.weight
}

// Run picks a task at random and runs it. A set without tasks does nothing.
func (s *WeighingTaskSet) Run() {
	s.mu.RLock()
	var task *Task
	if sum := s.sum(); sum > 0 {
		task = s.task(rand.IntN(sum))
	}
	s.mu.RUnlock()
	runTask(task)
}

// A SmoothRoundRobinTaskSet picks its tasks in turn, each as often as its weight
// says and spread as evenly as possible: with weights 5, 1 and 1 in the order
// a a b a c a a, as nginx's weighted round robin. Its methods are safe for
// concurrent use.
type SmoothRoundRobinTaskSet struct {
	mu      sync.Mutex
	weight  int
	tasks   []*Task
	credits []int // what each task has gained by waiting
}

// NewSmoothRoundRobinTaskSet returns a set without tasks.
func NewSmoothRoundRobinTaskSet() *SmoothRoundRobinTaskSet { return &SmoothRoundRobinTaskSet{} }

// AddTask adds a task. One whose weight is below 1, and nil, is ignored.
func (s *SmoothRoundRobinTaskSet) AddTask(task *Task) {
	if task == nil || task.Weight <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = append(s.tasks, task)
	s.credits = append(s.credits, 0)
}

// GetTask returns the task whose turn it is; nil if there is none.
func (s *SmoothRoundRobinTaskSet) GetTask() *Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, sum := -1, 0
	for i, t := range s.tasks {
		s.credits[i] += t.Weight
		sum += t.Weight
		if best < 0 || s.credits[i] > s.credits[best] {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	s.credits[best] -= sum
	return s.tasks[best]
}

// SetWeight sets the weight of the set itself.
func (s *SmoothRoundRobinTaskSet) SetWeight(weight int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.weight = weight
}

// GetWeight returns the weight of the set itself.
func (s *SmoothRoundRobinTaskSet) GetWeight() (weight int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.weight
}

// Run runs the task whose turn it is. A set without tasks does nothing.
func (s *SmoothRoundRobinTaskSet) Run() { runTask(s.GetTask()) }

func runTask(task *Task) {
	if task != nil && task.Fn != nil {
		task.Fn()
	}
}
