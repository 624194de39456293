package boomer

import (
	"math/rand/v2"
	"sync"
	"testing"
)

// TestPicker: tasks come as often as their weights say.
func TestPicker(t *testing.T) {
	tests := []struct {
		name    string
		weights []int
		want    []float64 // shares
	}{
		{"one", []int{0}, []float64{1}},
		{"equal", []int{0, 0, 0, 0}, []float64{0.25, 0.25, 0.25, 0.25}},
		{"weights", []int{1, 3}, []float64{0.25, 0.75}},
		{"never", []int{5, 0, 5}, []float64{0.5, 0, 0.5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			counts := make([]int, len(test.weights))
			var tasks []*Task
			for i, weight := range test.weights {
				tasks = append(tasks, &Task{Weight: weight, Fn: func() { counts[i]++ }})
			}
			p, err := newPicker(tasks)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			const n = 100_000
			for range n {
				p.pick(r).Fn()
			}
			for i, want := range test.want {
				if got := float64(counts[i]) / n; got < want-0.01 || got > want+0.01 || want == 0 && got > 0 {
					t.Errorf("task %d has the share %v; want %v", i, got, want)
				}
			}
		})
	}
}

func TestSmoothRoundRobin(t *testing.T) {
	s := NewSmoothRoundRobinTaskSet()
	s.Run() // does nothing
	var order []byte
	for name, weight := range map[byte]int{'x': 0, 'y': -1} {
		s.AddTask(&Task{Weight: weight, Fn: func() { order = append(order, name) }})
	}
	for i, weight := range []int{5, 1, 1} {
		s.AddTask(&Task{Weight: weight, Fn: func() { order = append(order, byte('a'+i)) }})
	}
	s.AddTask(nil)
	for range 14 {
		s.Run()
	}
	if want := "aabacaaaabacaa"; string(order) != want {
		t.Errorf("the order is %s; want %s", order, want)
	}
	checkWeight(t, s)
}

func TestWeighingTaskSet(t *testing.T) {
	s := NewWeighingTaskSet()
	s.Run() // does nothing
	if s.GetTask(0) != nil {
		t.Error("an empty set has a task")
	}
	a, b := &Task{Weight: 2, Fn: func() {}}, &Task{Weight: 3, Fn: func() {}}
	s.AddTask(a)
	s.AddTask(&Task{Weight: 0, Fn: func() { t.Error("ran a task of weight 0") }})
	s.AddTask(nil)
	s.AddTask(b)
	for roll, want := range []*Task{a, a, b, b, b, nil} {
		if s.GetTask(roll) != want {
			t.Errorf("roll %d falls on another task", roll)
		}
	}
	if s.GetTask(-1) != nil {
		t.Error("roll -1 falls on a task")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				s.Run()
				s.AddTask(&Task{Weight: 1})
			}
		})
	}
	wg.Wait()
	checkWeight(t, s)
}

func checkWeight(t *testing.T, s TaskSet) {
	t.Helper()
	if s.GetWeight() != 0 {
		t.Errorf("the weight is %d at first", s.GetWeight())
	}
	if s.SetWeight(7); s.GetWeight() != 7 {
		t.Errorf("the weight is %d; want 7", s.GetWeight())
	}
}
