package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/internal/proctest"
	"github.com/bandwing/bandwing/loadtest"
	"github.com/bandwing/bandwing/locustworker"
)

// testSet is a class of locustfile.py and the rows that it makes, in an order in
// which each finds the data that it needs.
type testSet struct {
	class string
	rows  []string
}

func testSets() []testSet {
	return []testSet{
		{"JSONSet", []string{"POST add_json", "POST add_string"}},
		{"JSONGet", []string{"GET get_json", "GET get_string"}},
		{"JSONChange", []string{
			"PUT json_append_array", "PUT json_append_string", "PUT numMultiBy", "PUT numbIncryBy",
			"PUT updateField_json", "PUT updateField_string", "PUT update_nested_Field_json",
		}},
		{"JSONDelete", []string{"DELETE delete_json", "POST add_json"}},
		{"MoreJSON", []string{"GET get_json_by_key_and_field", "GET get_nested_json", "GET get_string_by_key_and_field"}},
		{"RandomJSON", []string{"POST add_random_small_json", "POST add_static_big_json"}},
		{"RandomGet", []string{"GET getJsonByKey", "GET getListOfFieldsByKey", "GET getValueByKeyAndFields"}},
		{"NestedJSON", []string{"GET get_json", "POST add_random_big_json"}},
		{"RandomPut", []string{"PUT appendString", "PUT numMultiBy", "PUT numbIncryBy", "PUT updateField", "PUT update_field_nested"}},
		{"HashVsJSONPost", []string{"POST post_as_hash", "POST post_as_json"}},
		{"HashVsJSONGet", []string{"GET get_as_hash", "GET get_as_json"}},
		{"HashVsJSONUpdate", []string{"PUT update_as_hash", "PUT update_as_json"}},
		{"RedisJSONUser", []string{
			"GET getListOfFieldsByKey", "GET get_json", "GET get_json_by_key_and_field",
			"POST add_random_small_json", "POST add_static_big_json", "PUT appendString",
			"PUT json_append_array", "PUT numMultiBy", "PUT numbIncryBy", "PUT updateField",
		}},
	}
}

// collected is the row of the requests with which the master collects keys: one
// for each kind of document, at the start of each run.
const (
	collected      = "GET keys"
	collectedTimes = 5
)

// startTestSets starts a Go worker with the test sets, and variables.
func (c *cluster) startTestSets(env ...string) *proctest.Process {
	c.t.Helper()
	return c.start("go-worker", env, built.worker,
		"--worker", "--master-host", "127.0.0.1", "--master-port", fmt.Sprint(c.masterPort),
		"--drain-timeout", "20") // none of the requests in flight at a stop is cut on a slow machine
}

// pick starts a run of the classes with custom arguments, as the web UI's form
// does with its class picker and its advanced options.
func (c *cluster) pick(users int, classes []string, arguments map[string]string) {
	c.t.Helper()
	form := url.Values{
		"user_count": {strconv.Itoa(users)}, "spawn_rate": {strconv.Itoa(users)}, "host": {c.apiURL},
		"user_classes": classes,
	}
	for name, value := range arguments {
		form.Set(name, value)
	}
	c.web.post("/swarm", form)
}

// quick are custom arguments of a run without long pauses.
func quick() map[string]string {
	return map[string]string{"load_gen_wait_min": "0", "load_gen_wait_max": "20ms"}
}

// exceptionCounts reads the page of exceptions: how often each was reported, by text.
func (w *webUI) exceptionCounts() map[string]int {
	w.t.Helper()
	var reply struct {
		Exceptions []struct {
			Count int    `json:"count"`
			Msg   string `json:"msg"`
		} `json:"exceptions"`
	}
	if err := getJSON(w.url+"/exceptions", &reply); err != nil {
		w.t.Fatal(err)
	}
	all := map[string]int{}
	for _, e := range reply.Exceptions {
		all[e.Msg] += e.Count
	}
	return all
}

// counts are the requests of each row, with the method, without the prefix.
func counts(r report) map[string]int {
	all := map[string]int{}
	for _, row := range r.rows() {
		all[row.Method+" "+strings.TrimPrefix(row.Name, "/api/v1/")] = row.NumRequests
	}
	return all
}

// runSet runs one class until the table shows some hundred requests, and returns
// the table, which must be what the API has counted.
func runSet(c *cluster, set testSet) map[string]int {
	c.t.Helper()
	before := c.served()
	c.pick(10, []string{set.class}, quick())
	c.web.awaitState("running", 10)
	awaitRequests(c, 300)
	c.web.stop()
	r := finalReport(c, c.served()-before)
	checkFailures(c.t, r)
	if e := c.web.exceptionCounts(); len(e) != 0 {
		c.t.Errorf("%s: exceptions: %v", set.class, e)
	}
	return counts(r)
}

// TestTestSets picks one class after the other, as the web UI does, on Go
// workers: each makes exactly its rows, as often as their weights say, without a
// failure, and the table is what the API has counted, with the master's own
// requests in it.
func TestTestSets(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("--class-picker")
	c.startTestSets()
	c.startTestSets()
	c.web.awaitWorkers(2)
	for _, set := range testSets() {
		got := runSet(c, set)
		if got[collected] != collectedTimes {
			t.Errorf("%s: the master collected keys with %d requests; want %d", set.class, got[collected], collectedTimes)
		}
		delete(got, collected)
		if names := sortedKeys(got); !slices.Equal(names, set.rows) {
			t.Errorf("%s makes the rows\n%v; want\n%v", set.class, names, set.rows)
		}
		checkWeights(t, got, declaredWeights(t, set))
	}
}

// declaredWeights are those of a class's tasks, by the rows that they make.
func declaredWeights(t *testing.T, set testSet) map[string]int {
	t.Helper()
	scenario, err := loadtest.New(loadtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	weights := map[string]int{}
	for _, class := range scenario.Classes() {
		info := locustworker.Describe(class)
		for _, task := range info.Tasks {
			row := slices.IndexFunc(set.rows, func(row string) bool { return strings.HasSuffix(row, " "+task.Name) })
			if info.Name == set.class && row >= 0 {
				weights[set.rows[row]] = task.Weight
			}
		}
	}
	return weights
}

// TestAStartThatPicksNoClassRunsTheMixedOne starts as scripts do that know of no
// class picker, and as the web UI does with all boxes unticked.
func TestAStartThatPicksNoClassRunsTheMixedOne(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("--class-picker", "-f",
		filepath.Join(built.root, "locustfile.py")+","+filepath.Join(built.root, "master", "load_shapes.py"))
	c.startTestSets()
	c.web.awaitWorkers(1)
	runSet(c, testSets()[0])
	c.web.swarm(10, c.apiURL)
	c.web.awaitState("running", 10)
	c.web.swarm(20, c.apiURL) // changes the run, and leaves its class
	c.web.awaitState("running", 20)
	c.web.stop()
	c.web.awaitState("stopped", 0)
	if users := c.spawned(); users["RedisJSONUser"] != 20 || users["JSONSet"] != 0 {
		t.Errorf("users %v; want 20 of RedisJSONUser", users)
	}
}

func sortedKeys(m map[string]int) []string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// TestTestSetWithoutData starts a class that only reads on an empty database: no
// request and no failure, but a word in the log and among the exceptions of what
// to do; and when that has been done, it works.
func TestTestSetWithoutData(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("--class-picker")
	worker := c.startTestSets()
	c.web.awaitWorkers(1)
	c.pick(10, []string{"JSONGet"}, quick())
	c.web.awaitState("running", 10)
	want := []string{
		"no data: JSONGet has no documents complex:* to work on: run JSONSet first or `make data`",
		"no data: JSONGet has no documents complexString:* to work on: run JSONSet first or `make data`",
	}
	eventually(t, startPatience, "the exceptions", func() error {
		got := c.web.exceptionCounts()
		if len(got) != 2 || got[want[0]] != 1 || got[want[1]] != 1 {
			return fmt.Errorf("exceptions: %v", got)
		}
		return nil
	})
	c.web.stop()
	r := c.web.awaitState("stopped", 0)
	if got := counts(r); len(got) != 1 || got[collected] != collectedTimes {
		t.Errorf("rows of a run without data: %v", got)
	}
	checkFailures(t, r)
	for _, text := range want {
		if !strings.Contains(worker.Log(), text) {
			t.Errorf("the worker's log does not say %q", text)
		}
	}

	runSet(c, testSets()[0])
	got := runSet(c, testSets()[1])
	if got["GET get_json"] == 0 || got["GET get_string"] == 0 {
		t.Errorf("rows of a run with data: %v", got)
	}
}

// TestUsersWithoutDataGoOnLooking runs a class that reads beside one that writes
// what it needs, on an empty database.
func TestUsersWithoutDataGoOnLooking(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("--class-picker")
	c.startTestSets()
	c.web.awaitWorkers(1)
	c.pick(10, []string{"HashVsJSONGet", "HashVsJSONPost"}, quick())
	eventually(t, startPatience, "reads", func() error {
		r, err := c.web.stats()
		if err == nil && (counts(r)["GET get_as_hash"] < 50 || counts(r)["GET get_as_json"] < 50) {
			err = fmt.Errorf("rows %v", counts(r))
		}
		return err
	})
	c.web.stop()
	checkFailures(t, c.web.awaitState("stopped", 0))
}

var acknowledged = regexp.MustCompile(`(\S+) has (\d+) documents`)

// TestMasterDealsDocumentsOut loads documents of every kind with the worker's
// subcommand, and sees two workers, a Go and a Python one, acknowledge halves;
// a worker that joins the run gets a share too.
func TestMasterDealsDocumentsOut(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("--class-picker")
	out, err := exec.CommandContext(t.Context(), built.worker, "data", "-n", "40", "-host", c.apiURL).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "data: 200 documents, 40 of each kind") || !strings.Contains(string(out), "100%  200/200") {
		t.Fatalf("data: %v\n%s", err, out)
	}
	c.startTestSets()
	c.startPythonWorker()
	c.web.awaitWorkers(2)
	c.pick(10, []string{"RandomGet"}, map[string]string{"load_gen_data_sample_size": "30"})
	c.web.awaitState("running", 10)
	awaitShares := func(want ...int) {
		t.Helper()
		eventually(t, startPatience, "acknowledged shares", func() error {
			var got []int
			for _, m := range acknowledged.FindAllStringSubmatch(c.masterProc.Log(), -1) {
				n, err := strconv.Atoi(m[2])
				if err != nil {
					return err
				}
				got = append(got, n)
			}
			if !slices.Equal(got, want) {
				return fmt.Errorf("shares %v; want %v", got, want)
			}
			return nil
		})
	}
	awaitShares(75, 75) // 30 of each of 5 kinds, halved
	c.startTestSets()
	c.web.awaitWorkers(3)
	awaitShares(75, 75, 50)
	awaitRequests(c, 100)
	c.web.stop()
	checkFailures(t, c.web.awaitState("stopped", 0))
}

// TestCustomArgumentsWin sets what the environment of master and worker sets
// otherwise: the form's values count.
//
// Conformance: SP15
func TestCustomArgumentsWin(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("--class-picker", "--load-gen-weights", "JSONSet.add_json=0")
	c.startTestSets("LOAD_GEN_WAIT_MIN=30m", "LOAD_GEN_WAIT_MAX=30m", "LOAD_GEN_STATIC_DOCUMENTS=1")
	c.web.awaitWorkers(1)
	arguments := quick()
	arguments["load_gen_weights"] = "JSONSet.add_string=0"
	arguments["load_gen_document_size"] = "2MB"
	c.pick(2, []string{"JSONSet"}, arguments)
	eventually(t, startPatience, "documents of 2 MB", func() error {
		r, err := c.web.stats()
		if err != nil {
			return err
		}
		for _, row := range r.rows() {
			if row.Name == "/api/v1/add_json" && row.NumRequests > 5 && row.ContentLength > 1.9e6 {
				return nil
			}
		}
		return fmt.Errorf("rows %+v", r.rows())
	})
	c.web.stop()
	got := counts(c.web.awaitState("stopped", 0))
	if names := sortedKeys(got); !slices.Equal(names, []string{collected, "POST add_json"}) {
		t.Errorf("rows %v", names)
	}
	// One document: the worker's environment counts where the form says nothing.
	var keys struct {
		JSON []string `json:"json"`
	}
	if err := getJSON(c.apiURL+"/api/v1/keys?limit=100&pattern=complex", &keys); err != nil || len(keys.JSON) != 1 {
		t.Errorf("keys %v (%v); want one", keys.JSON, err)
	}
}

// TestAdvancedOptions looks into the web UI's page for the custom arguments.
func TestAdvancedOptions(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("-f", filepath.Join(built.root, "locustfile.py")+","+filepath.Join(built.root, "master", "load_shapes.py"),
		"--load-gen-seed", "12")
	res, err := http.Get(c.web.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, options, ok := strings.Cut(string(page), `"extra_options": {`)
	if !ok {
		t.Fatalf("the page has no advanced options:\n%.2000s", page)
	}
	for _, want := range []string{
		`"api_endpoint": {"choices": null, "default_value": ""`, `"app_endpoint": {`, `"load_gen_data_sample_size": {"choices": null, "default_value": ""`, `"load_gen_request_timeout": {`, `"load_gen_wait_min": {`,
		`"load_gen_wait_max": {`, `"load_gen_document_size": {`, `"load_gen_random_documents": {`, `"load_gen_static_documents": {`,
		`"load_gen_seed": {"choices": null, "default_value": "12"`, `"load_gen_weights": {`, `"shape_users": {"choices": null, "default_value": 50`,
	} {
		if !strings.Contains(options, want) {
			t.Errorf("the advanced options do not have %s", want)
		}
	}
}
