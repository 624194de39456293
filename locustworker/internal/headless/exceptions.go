package headless

import (
	"slices"
	"strings"
	"sync"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
)

// maxExceptions bounds the different places of errors that a run tells apart.
const maxExceptions = 500

// exceptions counts errors of user code by their place. It is safe for concurrent
// use.
type exceptions struct {
	mu      sync.Mutex
	byTrace map[string]*figures.Exception
}

// add counts one. Its message is that of the first at the same place (log_exception).
func (e *exceptions) add(message, trace string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := e.byTrace[trace]
	if known == nil {
		if e.byTrace == nil {
			e.byTrace = make(map[string]*figures.Exception)
		}
		if len(e.byTrace) >= maxExceptions {
			message, trace = "errors at other places", ""
		}
		if known = e.byTrace[trace]; known == nil {
			known = &figures.Exception{Message: message, Traceback: trace}
			e.byTrace[trace] = known
		}
	}
	known.Count++
}

// all returns what was counted, the most frequent first.
func (e *exceptions) all() []figures.Exception {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]figures.Exception, 0, len(e.byTrace))
	for _, one := range e.byTrace {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b figures.Exception) int {
		if a.Count != b.Count {
			return int(min(max(b.Count-a.Count, -1), 1))
		}
		return strings.Compare(a.Traceback, b.Traceback)
	})
	return all
}
