package report

import "github.com/bandwing/bandwing/locustworker/internal/headless/figures"

// Open is what the page shows of classes with arrivals.
type Open struct {
	// Table has the response times that the rows do not show; nil: there are no such
	// classes. Title says what they count from.
	Table *figures.Table
	Title string
	// Arrivals has a line for each class.
	Arrivals []string
}
