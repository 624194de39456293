package e2e

import (
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestDirectTestSets runs the classes that talk to Redis itself one after the other,
// with and without pipelines: Redis has executed each command exactly as often as the
// master's table says.
func TestDirectTestSets(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("--class-picker")
	for range 2 {
		c.startTestSets("LOAD_GEN_REDIS_URL=redis://" + c.redis.Addr)
	}
	c.web.awaitWorkers(2)
	client := redis.NewClient(&redis.Options{Addr: c.redis.Addr})
	defer client.Close()
	for _, depth := range []string{"1", "4"} {
		for class, commands := range map[string]string{
			"DirectJSONSet":    "json.set",
			"DirectJSONGet":    "json.get",
			"DirectJSONChange": "json.set json.strappend json.arrappend json.numincrby json.nummultby",
			"DirectHash":       "hset hgetall",
			"DirectString":     "set get",
		} {
			if class != "DirectJSONSet" && client.Exists(t.Context(), "complex:1").Val() == 0 {
				client.JSONSet(t.Context(), "complex:1", "$", direct)
			}
			before := calls(t, client, commands)
			arguments := quick()
			arguments["load_gen_redis_pipeline"] = depth
			c.pick(10, []string{class}, arguments)
			c.web.awaitState("running", 10)
			awaitRequests(c, 300)
			c.web.stop()
			want := calls(t, client, commands)
			sum := 0
			for name := range want {
				want[name] -= before[name]
				sum += want[name]
			}
			r := finalReport(c, sum+collectedTimes)
			checkFailures(t, r)
			got := map[string]int{}
			for _, row := range r.rows() {
				if row.Method == "REDIS" {
					name, _, _ := strings.Cut(row.Name, " ")
					got[strings.ToLower(name)] += row.NumRequests
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s at depth %s: the table says %v, Redis %v", class, depth, got, want)
			}
		}
	}
}

// direct is a document with the fields that the classes work on.
const direct = `{"about":"a","tags":["t"],"stats":{"power":1,"speed":1},"generation":{"name":"g"},"pokemon":[{"slot":1,"pokemon":{"name":"p"}}],` +
	`"names":[{"language":{"name":"n"}}],"damage_relations":{"double_damage_from":[{"name":"d"}]}}`

// calls returns how often Redis has executed each of some commands.
func calls(t *testing.T, client *redis.Client, commands string) map[string]int {
	t.Helper()
	info, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, name := range strings.Fields(commands) {
		_, rest, _ := strings.Cut(info, "cmdstat_"+name+":calls=")
		text, _, _ := strings.Cut(rest, ",")
		counts[name], _ = strconv.Atoi(text) // 0 where there was none
	}
	return counts
}
