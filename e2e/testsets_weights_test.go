package e2e

import (
	"encoding/json"
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
	k := math.Max(1, float64(len(weights)-1))
	critical := k * math.Pow(1-2/(9*k)+3.719*math.Sqrt(2/(9*k)), 3)
	t.Logf("chi-square %.1f of %.0f requests, critical %.1f", statistic, total, critical)
	if statistic > critical {
		t.Errorf("requests %v do not fit the weights %v: chi-square %.1f above %.1f", counts, weights, statistic, critical)
	}
}

var spawnedClasses = regexp.MustCompile(`All users spawned: (\{.*\}) `)

// spawned is how many users of each class the last run had, as the master's log
// says.
func (c *cluster) spawned() map[string]int {
	c.t.Helper()
	all := spawnedClasses.FindAllStringSubmatch(c.masterProc.Log(), -1)
	if len(all) == 0 {
		c.t.Fatal("the master's log tells of no users")
	}
	users := map[string]int{}
	if err := json.Unmarshal([]byte(all[len(all)-1][1]), &users); err != nil {
		c.t.Fatal(err)
	}
	return users
}

// testSetWorkers are the kinds of workers that run the test sets, by name.
func testSetWorkers() map[string]func(*cluster) {
	return map[string]func(*cluster){
		"Go":     func(c *cluster) { c.startTestSets() },
		"Python": func(c *cluster) { c.startPythonWorker() },
	}
}

// TestWeights holds the rows of long seeded runs, of a Go worker and of a Python
// one, against the declared weights of the tasks, and against others from the web
// UI; and both the users and the requests of classes against the weights of these.
func TestWeights(t *testing.T) {
	t.Parallel()
	for name, start := range testSetWorkers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.startMaster("--class-picker", "--load-gen-seed", "4711")
			start(c)
			c.web.awaitWorkers(1)
			c.loadData(50)
			checkTaskWeights(c)
			checkClassWeights(c)
		})
	}
}

// runWeighed runs classes until so many requests have been made.
func runWeighed(c *cluster, users int, classes []string, arguments map[string]string, requests int) map[string]int {
	c.t.Helper()
	c.pick(users, classes, arguments)
	c.web.awaitState("running", users)
	awaitRequests(c, requests)
	c.web.stop()
	r := c.web.awaitState("stopped", 0)
	checkFailures(c.t, r)
	return counts(r)
}

func checkTaskWeights(c *cluster) {
	c.t.Helper()
	fast := map[string]string{"load_gen_wait_min": "0", "load_gen_wait_max": "0"}
	declared := map[string]int{
		"GET get_json": 3, "GET get_json_by_key_and_field": 2, "GET getListOfFieldsByKey": 1,
		"POST add_random_small_json": 2, "POST add_static_big_json": 1,
		"PUT numbIncryBy": 1, "PUT numMultiBy": 1, "PUT updateField": 2, "PUT appendString": 1, "PUT json_append_array": 1,
	}
	checkWeights(c.t, runWeighed(c, 16, []string{"RedisJSONUser"}, fast, 10_000), declared)

	declared["GET get_json"], declared["PUT numbIncryBy"] = 1, 6
	fast["load_gen_weights"] = "RedisJSONUser.get_json=1 RedisJSONUser.numbIncryBy=6 RedisJSONUser.getListOfFieldsByKey=0"
	delete(declared, "GET getListOfFieldsByKey")
	got := runWeighed(c, 16, []string{"RedisJSONUser"}, fast, 10_000)
	checkWeights(c.t, got, declared)
	if n := got["GET getListOfFieldsByKey"]; n != 0 {
		c.t.Errorf("a task of weight 0 ran %d times", n)
	}
}

// checkClassWeights runs four classes that share no row. The master deals users
// out exactly by the weights. Users pause for far longer than a request takes, so
// that those of each class make as many.
func checkClassWeights(c *cluster) {
	c.t.Helper()
	weights := map[string]int{"JSONGet": 4, "MoreJSON": 1, "HashVsJSONGet": 2, "RandomJSON": 3}
	arguments := map[string]string{
		"load_gen_weights":  "JSONGet=4 HashVsJSONGet=2 RandomJSON=3",
		"load_gen_wait_min": "150ms", "load_gen_wait_max": "250ms",
	}
	got := runWeighed(c, 60, slices.Sorted(maps.Keys(weights)), arguments, 3000)
	users := c.spawned()
	requests := map[string]int{}
	for _, set := range testSets() {
		if want := 6 * weights[set.class]; users[set.class] != want {
			c.t.Errorf("weights %v of 60 users: %d of %s; want %d", weights, users[set.class], set.class, want)
		}
		for _, row := range set.rows {
			if weights[set.class] > 0 {
				requests[set.class] += got[row]
			}
		}
	}
	checkWeights(c.t, requests, weights)
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
