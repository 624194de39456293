package terminal

import (
	"fmt"
	"io"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
)

// Times writes a table of percentiles under a title. Without a terminal columns is
// 0.
func Times(w io.Writer, title string, t *figures.Table, columns int) {
	if columns == 0 {
		columns = wideEnough
	}
	fmt.Fprintln(w, title)
	var percents []column
	for _, share := range []float64{0.5, 0.9, 0.95, 0.99, 0.999, 1} {
		percents = append(percents, at(percent(share), share))
	}
	for _, line := range lay(t.Rows(), columns, percents) {
		fmt.Fprintln(w, cut(line, columns))
	}
	fmt.Fprintln(w)
}
