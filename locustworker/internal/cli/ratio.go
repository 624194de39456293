package cli

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"

	"github.com/bandwing/bandwing/locustworker/internal/python"
)

// A share is how often a class or a task runs, as --show-task-ratio shows it.
type share struct {
	name  string
	ratio float64
	// tasks are those of a class or a set; holder says that it is one.
	tasks  []share
	holder bool
}

// printRatio mirrors --show-task-ratio and --show-task-ratio-json, and returns
// the exit code.
func (c *Command) printRatio(in *invocation, log *slog.Logger) int {
	live, err := c.Live(in.Settings)
	if err != nil {
		log.Error(err.Error())
		return ExitError
	}
	users := distribution(live, in.Users)
	perClass, total := shares(live, users, false), shares(live, users, true)
	if !in.ratio {
		fmt.Fprintf(c.Stdout, "{\n    \"per_class\": %s,\n    \"total\": %s\n}\n", jsonShares(perClass, 1), jsonShares(total, 1))
		return ExitOK
	}
	line := strings.Repeat("-", 80)
	fmt.Fprintf(c.Stdout, "\n Task ratio per User class\n%s\n", line)
	printShares(c.Stdout, perClass, 0)
	fmt.Fprintf(c.Stdout, "\n Total task ratio\n%s\n", line)
	printShares(c.Stdout, total, 0)
	return ExitOK
}

// distribution mirrors _calc_distribution in locust/user/inspectuser.py: how many
// users of each class there are when there are n in all; 0 means as many as the
// weights say.
func distribution(classes []Class, n int) []int {
	fixed, weights := 0, 0
	for _, c := range classes {
		fixed += c.FixedCount
		if c.FixedCount == 0 {
			weights += c.Weight
		}
	}
	if n == 0 {
		n = weights
		if fixed > 0 {
			n = 1
		}
	}
	weighted := max(0, n-fixed)
	users := make([]int, 0, len(classes))
	for _, c := range classes {
		count := c.FixedCount
		if count == 0 {
			count = int(math.RoundToEven(float64(c.Weight) / float64(weights) * float64(weighted)))
		}
		users = append(users, count)
	}
	return users
}

// shares mirrors get_ratio.
func shares(classes []Class, users []int, total bool) []share {
	sum := 0
	for _, n := range users {
		sum += n
	}
	all := make([]share, 0, len(classes))
	for i, c := range classes {
		ratio := float64(users[i]) / float64(max(sum, 1))
		all = append(all, share{c.Name, ratio, taskShares(&c.Tasks, total, ratio), true})
	}
	return all
}

// taskShares mirrors _get_task_ratio, for which a Markov chain has no tasks.
func taskShares(s *Set, total bool, parent float64) []share {
	if s.Order == Markov {
		return nil
	}
	if !total {
		parent = 1
	}
	weights := 0
	for _, t := range s.Tasks {
		weights += t.Weight
	}
	all := make([]share, 0, len(s.Tasks))
	for _, t := range s.Tasks {
		one := share{name: t.Name, ratio: float64(t.Weight) * parent / float64(weights)}
		if t.Set != nil {
			one.tasks, one.holder = taskShares(t.Set, total, one.ratio), true
		}
		all = append(all, one)
	}
	return all
}

// printShares mirrors _print_task_ratio.
func printShares(w io.Writer, all []share, level int) {
	padding := strings.Repeat("  ", level)
	for _, s := range all {
		fmt.Fprintf(w, " %-10s %-50s\n", padding+fmt.Sprintf("%-6.1f", s.ratio*100), padding+s.name)
		printShares(w, s.tasks, level+1)
	}
}

// jsonShares writes an object as Python's json.dumps does with an indent of 4.
func jsonShares(all []share, level int) string {
	if len(all) == 0 {
		return "{}"
	}
	outer := strings.Repeat("    ", level)
	inner := outer + "    "
	members := make([]string, 0, len(all))
	for _, s := range all {
		member := fmt.Sprintf("%s%s: {\n%s    \"ratio\": %s", inner, python.JSON(s.name), inner, python.Float(s.ratio))
		if s.holder {
			member += fmt.Sprintf(",\n%s    \"tasks\": %s", inner, jsonShares(s.tasks, level+2))
		}
		members = append(members, member+"\n"+inner+"}")
	}
	return "{\n" + strings.Join(members, ",\n") + "\n" + outer + "}"
}
