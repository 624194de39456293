package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A stockOption is an option as the installed Locust declares it.
type stockOption struct {
	Names  []string
	Env    string
	Action string
	List   bool
	Type   string
}

// kind is what the option takes in our terms.
func (o stockOption) kind() string {
	switch {
	case o.Action == "ErrorRaisingAction":
		return "refused"
	case o.Action == "_HelpAction" || o.Action == "_VersionAction":
		return fmt.Sprint(Final)
	case o.Action == "_StoreTrueAction":
		return fmt.Sprint(Flag)
	case o.List:
		return fmt.Sprint(List)
	case o.Action == "_StoreAction":
		return fmt.Sprint(Value)
	}
	return o.Action
}

// Conformance: C15
func TestOptionsAreTheInstalledLocusts(t *testing.T) {
	var stock []stockOption
	locust(t, "options", nil, &stock)
	describe := func(names []string, env, kind string) string {
		sorted := slices.Sorted(slices.Values(names))
		return strings.Join(sorted, " ") + " | " + env + " | " + kind
	}
	var theirs, ours []string
	for _, o := range stock {
		theirs = append(theirs, describe(o.Names, o.Env, o.kind()))
	}
	for _, o := range options() {
		kind := fmt.Sprint(o.Kind)
		if o.Refused != "" {
			kind = "refused"
		}
		if !o.Exact {
			ours = append(ours, describe(o.Names, o.Env, kind))
		}
	}
	for _, row := range theirs {
		if !slices.Contains(ours, row) {
			t.Errorf("Locust has %s", row)
		}
	}
	for _, row := range ours {
		if !slices.Contains(theirs, row) {
			t.Errorf("Locust does not have %s", row)
		}
	}
	if len(theirs) < 50 {
		t.Errorf("only %d options were compared", len(theirs))
	}
}

// How Locust checks a value, and values that it takes and refuses.
func checksOf(kind string) (good, bad []string) {
	switch kind {
	case "int":
		return []string{"7", "-1", " 8 ", "1_0"}, []string{"", "x", "1.5"}
	case "positive_integer":
		return []string{"1", "20"}, []string{"0", "-1", "x"}
	case "gt_zero.<locals>.checker":
		return []string{"0.5", "1e3", "7"}, []string{"0", "-1", "inf", "x"}
	case "timespan":
		return []string{"20", "1h20m"}, []string{"", "1d", "x"}
	case "str.upper":
		return []string{"debug", "INFO", "Critical"}, []string{"", "TRACE"}
	case "json_user_config":
		return []string{`{"user_class_name": "A"}`, `[{"user_class_name": "A"}]`}, []string{"{", "{}", "7", "no.json"}
	}
	return []string{"", "x", "-", "1"}, nil
}

func TestValuesAreCheckedAsLocustDoes(t *testing.T) {
	var stock []stockOption
	locust(t, "options", nil, &stock)
	tried := 0
	for _, o := range stock {
		if kind := o.kind(); kind != fmt.Sprint(Value) && kind != fmt.Sprint(List) {
			continue
		}
		good, bad := checksOf(o.Type)
		name := o.Names[len(o.Names)-1]
		if name == "--config" {
			continue // names a file
		}
		if name == "--master-port" {
			good = []string{"1", "65535"} // checked more closely
		}
		for _, text := range append(good, bad...) {
			c, _ := testCommand(nil, name+"="+text)
			_, err := c.read()
			if fails := slices.Contains(bad, text); (err != nil) != fails {
				t.Errorf("%s=%q: %v", name, text, err)
			}
			tried++
		}
	}
	if tried < 100 {
		t.Errorf("only %d values were tried", tried)
	}
}

func TestOwnOptionsDisturbNone(t *testing.T) {
	// Deployments set LOCUST_METRICS_ADDR beside the variables of the master, which takes the others itself.
	shared := []string{"LOCUST_METRICS_ADDR", "LOCUST_THRESHOLD", "LOCUST_ABORT_ON_THRESHOLD", "LOCUST_JUNIT", "LOAD_SHAPE"}
	for _, o := range options() {
		if o.Exact && o.Env != "" && !slices.Contains(shared, o.Env) && !strings.HasPrefix(o.Env, "LOCUSTWORKER_") {
			t.Errorf("%s: the variables of our own options begin with LOCUSTWORKER_, not %s", o.Name(), o.Env)
		}
	}
	for abbreviation, want := range map[string]string{"--master-h": "--master-host", "--q": "", "--see": "", "--drain": ""} {
		c, _ := testCommand(nil, abbreviation+"=x")
		_, err := c.read()
		if unknown := err != nil && strings.Contains(err.Error(), "unrecognized"); unknown != (want == "") {
			t.Errorf("%s: %v", abbreviation, err)
		}
	}
}

// Conformance: C2
func TestEveryOptionCanBeSetByItsVariable(t *testing.T) {
	for _, o := range options() {
		if o.Env == "" || o.Refused != "" {
			continue
		}
		c, _ := testCommand(map[string]string{o.Env: "\x00"})
		_, err := c.read()
		if refuses := o.Kind == Flag; refuses && (err == nil || !strings.Contains(err.Error(), o.Env)) {
			t.Errorf("%s is a flag and takes a control character: %v", o.Env, err)
		}
		if o.meaning == obeyed && o.help == "" {
			t.Errorf("--help says nothing about %s", o.Name())
		}
	}
}
