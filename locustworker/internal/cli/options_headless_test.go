package cli

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestARunWithoutAMaster(t *testing.T) {
	want := Headless{
		On: true, Annotations: true, SpawnRate: 2.5, RunTime: 80 * time.Second, Shape: "Spike", OnlySummary: true,
		Thresholds: []string{"p(95) < 200ms", "fail_ratio < 1%"}, AbortOnThreshold: true,
		CSV: "out/x", CSVHistory: true, JSON: true, JSONFile: "rows", HTML: "x.html", JUnit: "x.xml",
	}
	line := []string{
		"--headless", "-u", "20", "-r", "2.5", "-t", "1m20s", "--shape", "Spike", "--only-summary", "--print-stats", "--threshold", "p(95) < 200ms",
		"--threshold=fail_ratio < 1%", "--abort-on-threshold", "--csv", "out/x", "--csv-full-history", "--json", "--json-file", "rows",
		"--html", "x.html", "--junit", "x.xml",
	}
	file := "headless = true\nusers = 20\nspawn-rate = 2.5\nrun-time = 1m20s\nshape = Spike\nonly-summary = yes\n" +
		"threshold = [p(95) < 200ms, fail_ratio < 1%]\nabort-on-threshold = 1\ncsv = out/x\ncsv-full-history\njson\njson-file = rows\nhtml = x.html\njunit = x.xml\n"
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "LOCUST_HEADLESS": "1", "LOCUST_USERS": "20", "LOCUST_SPAWN_RATE": "2.5", "LOCUST_RUN_TIME": "80",
		"LOAD_SHAPE": "Spike", "LOCUST_ONLY_SUMMARY": "1", "LOCUST_THRESHOLD": `["p(95) < 200ms", "fail_ratio < 1%"]`, "LOCUST_ABORT_ON_THRESHOLD": "1",
		"LOCUST_CSV": "out/x", "LOCUST_CSV_FULL_HISTORY": "1", "LOCUST_HTML": "x.html", "LOCUST_JUNIT": "x.xml",
	}
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
		file string
	}{
		"line": {args: line, env: map[string]string{"GITHUB_ACTIONS": "true"}},
		"file": {env: map[string]string{"GITHUB_ACTIONS": "true"}, file: file},
		"env":  {args: []string{"--json", "--json-file", "rows"}, env: env},
	} {
		c, sh := testCommand(test.env, test.args...)
		if test.file != "" {
			sh.files["locust.conf"] = test.file
		}
		in, err := c.read()
		if err != nil || in.Users != 20 || !reflect.DeepEqual(in.Headless, want) {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
	}
}

// TestAWorkerIsNoRunOfItsOwn: --worker wins, as the variables of a deployment may
// be those of its master too.
func TestAWorkerIsNoRunOfItsOwn(t *testing.T) {
	c, _ := testCommand(map[string]string{"LOCUST_MODE_WORKER": "1"}, "--headless", "-u", "3", "--csv", "x")
	in, err := c.read()
	if err != nil || in.Headless.On || !slices.Equal(in.alone, []string{"--users", "--csv"}) {
		t.Errorf("%+v, %v", in, err)
	}
}

func TestARuleTakesOneArgument(t *testing.T) {
	c, _ := testCommand(nil, "--headless", "--threshold", "avg < 1", "User")
	in, err := c.read()
	if err != nil || !slices.Equal(in.Headless.Thresholds, []string{"avg < 1"}) || !slices.Equal(in.UserClasses, []string{"User"}) {
		t.Errorf("%+v, %v", in, err)
	}
	c, _ = testCommand(nil, "--headless", "--threshold")
	if _, err := c.read(); err == nil || !strings.Contains(err.Error(), "--threshold needs a value") {
		t.Errorf("no rule: %v", err)
	}
}
