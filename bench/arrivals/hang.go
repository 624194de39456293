package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

const (
	hangRate   = 1000
	hangLength = 2 * time.Second
	hangUsers  = 10 // of the closed class
)

// A row is what one generator shows of the hang.
type row struct {
	name, color string
	served      int
	*result
}

// percentiles are those in the table; the plot has all.
var percentiles = []float64{0.5, 0.9, 0.95, 0.99, 0.999}

// analytic is the quantile that response times from the intended start have, if the
// target answers at once but for the hang: what comes t after its begin waits for the
// rest of it.
func analytic(share float64, length time.Duration) time.Duration {
	return max(0, hangLength-time.Duration((1-share)*float64(length)))
}

// hang measures a target that hangs in the middle of a run.
func hang(p *peer, length time.Duration, plot string) error {
	rows := []row{{name: "closed class", color: "#c0392b"}, {name: "open class", color: "#2471a3"}, {name: "vegeta", color: "#7d8a2e"}}
	for i := range rows {
		if err := p.arm(length/2-hangLength/2, hangLength); err != nil {
			return err
		}
		var err error
		switch i {
		case 0:
			rows[i].result, err = run(p.url, hangUsers, length, func(begun func()) locustworker.Class {
				return class(begun).Wait(locustworker.ConstantThroughput(hangRate / hangUsers))
			})
		case 1:
			rows[i].result, err = run(p.url, 1, length, func(begun func()) locustworker.Class { return class(begun).Arrivals(hangRate) })
		default:
			rows[i].result = attack(p.url, hangRate, length)
		}
		if err != nil {
			return err
		}
		s, err := p.spread()
		if err != nil {
			return err
		}
		rows[i].served = s.Count
	}
	fmt.Printf("a target that hangs for %v in the middle of %v at %d/s\n\n%-14s%10s%8s", hangLength, length, hangRate, "", "served", "failed")
	for _, share := range percentiles {
		fmt.Printf("%11s", fmt.Sprintf("p%g", 100*share))
	}
	fmt.Println()
	for _, r := range rows {
		fmt.Printf("%-14s%10d%8d", r.name, r.served, r.failed)
		for _, share := range percentiles {
			fmt.Printf("%11v", short(quantile(r.times, share)))
		}
		fmt.Println()
	}
	fmt.Printf("%-14s%10d%8s", "analytic", int(hangRate*length.Seconds()), "")
	for _, share := range percentiles {
		fmt.Printf("%11v", short(analytic(share, length)))
	}
	fmt.Println()
	if plot == "" {
		return nil
	}
	return os.WriteFile(plot, []byte(svg(rows, length)), 0o644)
}

// svg draws response times by percentile, from p80 up.
func svg(rows []row, length time.Duration) string {
	const left, top, width, height, first = 60.0, 40.0, 560.0, 260.0, 0.8
	x := func(share float64) float64 { return left + (share-first)/(1-first)*width }
	y := func(d time.Duration) float64 { return top + height*(1-d.Seconds()/(hangLength.Seconds()*1.1)) }
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 370" font-family="sans-serif" font-size="12">` + "\n")
	b.WriteString(`<rect width="680" height="370" fill="#ffffff"/>` + "\n")
	fmt.Fprintf(&b, `<text x="%v" y="22" font-size="14">Response times: a target hangs for %v in the middle of %v at %d/s</text>`+"\n", left, hangLength, length, hangRate)
	for _, share := range []float64{0.8, 0.85, 0.9, 0.95, 0.99} {
		fmt.Fprintf(&b, `<path d="M%.1f %v V%v" stroke="#dddddd"/><text x="%.1f" y="%v" text-anchor="middle">p%g</text>`+"\n",
			x(share), top, top+height, x(share), top+height+18, 100*share)
	}
	for d := time.Duration(0); d <= hangLength; d += 500 * time.Millisecond {
		fmt.Fprintf(&b, `<path d="M%v %.1f H%v" stroke="#dddddd"/><text x="%v" y="%.1f" text-anchor="end">%v</text>`+"\n", left, y(d), left+width, left-6, y(d)+4, d)
	}
	line := func(name, color, dash string, of func(share float64) time.Duration, place int) {
		var path strings.Builder
		for i := range 200 {
			share := first + (1-first)*float64(i)/199.5
			fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: " L"}[i == 0], x(share), y(of(share)))
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", path.String(), color, dash)
		fmt.Fprintf(&b, `<path d="M%v 345 h24" stroke="%s" stroke-width="2"%s/><text x="%v" y="349">%s</text>`+"\n",
			left+float64(place)*140, color, dash, left+float64(place)*140+30, name)
	}
	for i, r := range rows {
		line(r.name, r.color, "", func(share float64) time.Duration { return quantile(r.times, share) }, i)
	}
	line("analytic", "#000000", ` stroke-dasharray="3 4"`, func(share float64) time.Duration { return analytic(share, length) }, len(rows))
	b.WriteString("</svg>\n")
	return b.String()
}
