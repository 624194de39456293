package threshold

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	rule       = regexp.MustCompile(`^([^<>=!]*)([<>=!]+)([^<>=!]*)$`)
	percentile = regexp.MustCompile(`^p\(\s*(.*?)\s*\)$`)
	quantity   = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)\s*(\S*)$`)
)

// Parse reads a rule. The error says what to write instead.
func Parse(text string) (Threshold, error) {
	t := Threshold{text: strings.TrimSpace(text)}
	if err := t.parse(); err != nil {
		return Threshold{}, fmt.Errorf("threshold '%s': %w", t.text, err)
	}
	return t, nil
}

func (t *Threshold) parse() error {
	expression, err := t.takeRow()
	if err != nil {
		return err
	}
	parts := rule.FindStringSubmatch(expression)
	if parts == nil {
		return errors.New("there is no comparison: write METRIC < VALUE, as in p(95) < 200ms")
	}
	metric, op, value := strings.TrimSpace(parts[1]), parts[2], strings.TrimSpace(parts[3])
	if err := t.takeMetric(metric); err != nil {
		return err
	}
	switch op {
	case "<", "<=", ">", ">=", "==", "!=":
		t.op = op
	default:
		return fmt.Errorf("'%s' is no comparison: use <, <=, >, >=, == or !=", op)
	}
	return t.takeBound(value)
}

// takeRow reads the row and returns what is left. A name may have colons: it ends
// at the last one.
func (t *Threshold) takeRow() (rest string, err error) {
	rest = t.text
	if after, found := strings.CutPrefix(rest, "type:"); found {
		t.method, rest, _ = strings.Cut(after, " ")
		rest = strings.TrimSpace(rest)
		if t.method == "" || !strings.HasPrefix(rest, "name:") {
			return "", errors.New("a type stands before a name: write type:GET name:/path: p(95) < 200ms")
		}
	}
	after, found := strings.CutPrefix(rest, "name:")
	if !found {
		return rest, nil
	}
	end := strings.LastIndex(after, ":")
	if end < 0 || strings.TrimSpace(after[:end]) == "" {
		return "", errors.New("a row is written name:NAME: and then the rule, as in name:/path: p(95) < 200ms")
	}
	t.name = strings.TrimSpace(after[:end])
	return after[end+1:], nil
}

func (t *Threshold) takeMetric(metric string) error {
	t.metric = metric
	switch metric {
	case "avg", "med", "min", "max":
		t.kind = duration
		return nil
	case "fail_ratio":
		t.kind = share
		return nil
	case "rps":
		t.kind = rate
		return nil
	case "count", "fails", "dropped":
		t.kind = number
		return nil
	}
	parts := percentile.FindStringSubmatch(metric)
	if parts == nil {
		return fmt.Errorf("there is no metric '%s': use p(N), avg, med, min, max, fail_ratio, rps, count, fails or dropped", metric)
	}
	q := quantity.FindStringSubmatch(parts[1])
	if len(q) != 3 || q[2] != "" {
		return fmt.Errorf("'%s' is no percentile from 0 to 100", parts[1])
	}
	n, err := strconv.ParseFloat(q[1], 64)
	if err != nil || n > 100 {
		return fmt.Errorf("'%s' is no percentile from 0 to 100", parts[1])
	}
	t.metric, t.kind, t.share = "p", duration, n/100
	return nil
}

func (t *Threshold) takeBound(value string) error {
	x, unit := 0.0, "?"
	if q := quantity.FindStringSubmatch(value); q != nil {
		var err error
		if x, err = strconv.ParseFloat(q[1], 64); err == nil {
			unit = q[2]
		}
	}
	factor, known := t.kind.factor(unit)
	if t.kind == share && (!known || x*factor > 1) {
		return fmt.Errorf("'%s' is no share: write 5%% or 0.05", value)
	}
	if t.kind == duration && !known {
		return fmt.Errorf("'%s' is no time: write 200ms, 1.5s or 200, which is milliseconds", value)
	}
	if !known {
		return fmt.Errorf("'%s' is no number", value)
	}
	t.bound = x * factor
	return nil
}

// factor returns by what a value with this unit is to be multiplied.
func (k kind) factor(unit string) (float64, bool) {
	switch {
	case unit == "":
		return 1, true
	case k == share && unit == "%":
		return 0.01, true
	case k == rate && unit == "/s":
		return 1, true
	case k != duration:
		return 0, false
	}
	switch unit {
	case "us", "µs":
		return 0.001, true
	case "ms":
		return 1, true
	case "s":
		return 1000, true
	case "m":
		return 60_000, true
	}
	return 0, false
}
