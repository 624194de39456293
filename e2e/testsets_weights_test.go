package e2e

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// checkWeights fails when rows are not as often as their weights say, by a
// chi-square test that a fair run fails once in more than 10,000 times (the
// critical value is Wilson and Hilferty's).
func checkWeights(t *testing.T, counts, weights map[string]int) {
	t.Helper()
	total, sum := 0.0, 0.0
	for name, weight := range weights {
		total += float64(counts[name])
		sum += float64(weight)
	}
	statistic := 0.0
	for name, weight := range weights {
		expected := total * float64(weight) / sum
		statistic += (float64(counts[name]) - expected) * (float64(counts[name]) - expected) / expected
	}
	k := float64(len(weights) - 1)
	critical := k * math.Pow(1-2/(9*k)+3.719*math.Sqrt(2/(9*k)), 3)
	t.Logf("chi-square %.1f of %.0f requests, critical %.1f", statistic, total, critical)
	if statistic > critical {
		t.Errorf("requests %v do not fit the weights %v: chi-square %.1f above %.1f", counts, weights, statistic, critical)
	}
}

var spawnedClasses = regexp.MustCompile(`All users spawned: (\{.*\}) `)

// TestWeights holds the rows of long seeded runs against the declared weights of
// the tasks, and against others from the web UI; and the users of classes against
// the weights of these.
func TestWeights(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("--class-picker")
	c.startTestSets("LOAD_GEN_SEED=4711")
	c.web.awaitWorkers(1)
	c.loadData(50)
	run := func(classes []string, more map[string]string, requests int) map[string]int {
		arguments := map[string]string{"load_gen_wait_min": "0", "load_gen_wait_max": "0"}
		maps.Copy(arguments, more)
		c.pick(16, classes, arguments)
		c.web.awaitState("running", 16)
		awaitRequests(c, requests)
		c.web.stop()
		r := c.web.awaitState("stopped", 0)
		checkFailures(t, r)
		return counts(r)
	}
	declared := map[string]int{
		"GET get_json": 3, "GET get_json_by_key_and_field": 2, "GET getListOfFieldsByKey": 1,
		"POST add_random_small_json": 2, "POST add_static_big_json": 1,
		"PUT numbIncryBy": 1, "PUT numMultiBy": 1, "PUT updateField": 2, "PUT appendString": 1, "PUT json_append_array": 1,
	}
	checkWeights(t, run([]string{"RedisJSONUser"}, nil, 10_000), declared)

	declared["GET get_json"], declared["PUT numbIncryBy"] = 1, 6
	weights := "RedisJSONUser.get_json=1 RedisJSONUser.numbIncryBy=6 RedisJSONUser.getListOfFieldsByKey=0"
	delete(declared, "GET getListOfFieldsByKey")
	got := run([]string{"RedisJSONUser"}, map[string]string{"load_gen_weights": weights}, 10_000)
	checkWeights(t, got, declared)
	if n := got["GET getListOfFieldsByKey"]; n != 0 {
		t.Errorf("a task of weight 0 ran %d times", n)
	}

	run([]string{"JSONGet", "MoreJSON"}, map[string]string{"load_gen_weights": "JSONGet=3"}, 100)
	all := spawnedClasses.FindAllStringSubmatch(c.masterProc.Log(), -1)
	last := all[len(all)-1][1]
	for class, users := range map[string]int{"JSONGet": 12, "MoreJSON": 4, "JSONSet": 0} {
		m := regexp.MustCompile(`"` + class + `": (\d+)`).FindStringSubmatch(last)
		if len(m) < 2 || m[1] != strconv.Itoa(users) {
			t.Errorf("weights 3 and 1 of 16 users: %s", last)
		}
	}
}

// loadData loads documents of each kind with the worker's subcommand.
func (c *cluster) loadData(each int) {
	c.t.Helper()
	p := c.start("data", nil, built.worker, "data", "-n", strconv.Itoa(each), "-host", c.apiURL)
	if code := p.ExitCode(); code != 0 {
		c.t.Fatalf("data ended with %d:\n%s", code, p.Log())
	}
	c.forget(p)
}

// TestTagsSelect starts masters with tags and without the class picker: exactly
// the tasks that the tags select run, on Go workers.
func TestTagsSelect(t *testing.T) {
	t.Parallel()
	read := []string{"GET getListOfFieldsByKey", "GET get_json", "GET get_json_by_key_and_field"}
	for name, test := range map[string]struct {
		master []string
		want   []string
	}{
		"no tag is the mixed class": {nil, slices.DeleteFunc(slices.Clone(testSets()), func(s testSet) bool { return s.class != "RedisJSONUser" })[0].rows},
		"kind of request":           {[]string{"--tags", "read"}, read},
		"kinds that are not wanted": {[]string{"--exclude-tags", "write", "update", "append"}, read},
		"test sets":                 {[]string{"--tags", "JSONGet", "HashVsJSONGet"}, []string{"GET get_as_hash", "GET get_as_json", "GET get_json", "GET get_string"}},
		"a set without a kind":      {[]string{"--tags", "JSONChange", "--exclude-tags", "update"}, []string{"PUT json_append_array", "PUT json_append_string"}},
		"classes by name":           {[]string{"MoreJSON"}, []string{"GET get_json_by_key_and_field", "GET get_nested_json", "GET get_string_by_key_and_field"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.startMaster(test.master...)
			c.startTestSets("LOAD_GEN_WAIT_MIN=0", "LOAD_GEN_WAIT_MAX=20ms", "LOAD_GEN_WEIGHT_JSONGET=1")
			c.web.awaitWorkers(1)
			c.loadData(20)
			c.web.post("/swarm", url.Values{"user_count": {"8"}, "spawn_rate": {"8"}, "host": {c.apiURL}})
			eventually(t, startPatience, "all rows", func() error {
				r, err := c.web.stats()
				if got := counts(r); err == nil && len(got) < len(test.want)+1 {
					err = fmt.Errorf("rows %v", got)
				}
				return err
			})
			awaitRequests(c, 300)
			c.web.stop()
			r := c.web.awaitState("stopped", 0)
			checkFailures(t, r)
			got := counts(r)
			delete(got, collected)
			if names := sortedKeys(got); !slices.Equal(names, test.want) {
				t.Errorf("rows %v; want %v", names, test.want)
			}
		})
	}
}
