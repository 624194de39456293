package figures

import "time"

// maxPoints bounds a History: a page shows no more, however long the run was.
const maxPoints = 1200

// A Point is one moment of a run, for charts.
type Point struct {
	At            time.Time
	Users         int
	RPS, Failures float64 // a second, since the point before
	P50, P95, P99 float64 // milliseconds, of about the last ten seconds
}

// A History is the moments of a run in order. When it is full, it keeps every
// second one and takes half as many from then on.
type History struct {
	points []Point
	every  int // moments a point
	open   int // moments of the last point so far
}

// Add adds a moment. Moments are to be as far apart as each other.
func (h *History) Add(p Point) {
	h.every = max(h.every, 1)
	if len(h.points) > 0 && h.open < h.every {
		last := &h.points[len(h.points)-1]
		n := float64(h.open)
		p.RPS = (last.RPS*n + p.RPS) / (n + 1)
		p.Failures = (last.Failures*n + p.Failures) / (n + 1)
		*last = p
		h.open++
		return
	}
	if len(h.points) == maxPoints {
		h.halve()
	}
	h.points = append(h.points, p)
	h.open = 1
}

// halve joins each two points.
func (h *History) halve() {
	for i := 0; i < len(h.points)/2; i++ {
		a, b := h.points[2*i], h.points[2*i+1]
		b.RPS, b.Failures = (a.RPS+b.RPS)/2, (a.Failures+b.Failures)/2
		h.points[i] = b
	}
	h.points = h.points[:len(h.points)/2]
	h.every *= 2
}

// Points returns the points. Do not change them.
func (h *History) Points() []Point { return h.points }

// Reset drops all points.
func (h *History) Reset() { *h = History{} }
