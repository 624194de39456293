package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// A shellCase is a command line with its environment and files, which both
// parsers read.
type shellCase struct {
	args       []string
	env, files map[string]string
}

func (c shellCase) MarshalJSON() ([]byte, error) { return json.Marshal([]any{c.args, c.env, c.files}) }

// on is a command line without anything else.
func on(args string) shellCase { return shellCase{args: strings.Fields(args)} }

func inEnv(pairs ...string) shellCase {
	c := shellCase{env: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		c.env[pairs[i]] = pairs[i+1]
	}
	return c
}

func inFile(name, text string, args ...string) shellCase {
	return shellCase{args: args, files: map[string]string{name: text}}
}

// shellCases are about the options that matter to a worker, one by one.
func shellCases() []shellCase {
	return []shellCase{
		on(""), on("--worker --master-host m --master-port 5558"), on("--worker --master-host=m --master-port=5558 A B"),
		on("-H http://a"), on("-Hhttp://a"), on("--host http://a --host http://b"), on("--host"), on("--master-port x"), on("--master-port 5_557"),
		on("-T a b -E c"), on("--tags a b --worker"), on("--tags a,b A"), on("--tags"), on("A --tags a b"), on("-T a -T b"), on("--tags=a b"), on("-T -- A"),
		on("-s 20"), on("--stop-timeout 1h20m"), on("--stop-timeout 20s"), on("--stop-timeout 1d"), on("--stop-timeout="), on("--stop-timeout -1"),
		on("-L debug"), on("--loglevel WARNING"), on("--loglevel trace"), on("--logfile a/b.log"), on("--skip-log-setup"), on("--reset-stats"),
		on("--equal-weights"), on("--equal A"), inEnv("LOCUST_EQUAL_WEIGHTS", "true"), inFile("locust.conf", "equal-weights = true"),
		on("--exit-code-on-error 0"), on("--exit-code-on-error -1"), on("--exit-code-on-error x"), on("--processes 4"), on("--processes -1"), on("--processes x"),
		on("--master --worker"), on("-l"), on("--list"), on("--show-task-ratio"), on("--show-task-ratio-json -u 5"), on("-u x"), on("-u 5 -r 0.5 -t 5m"),
		on("-r 0"), on("-t 5d"), on("-f a.py"), on("-f -"), on("--headless --autostart"), on("--web-port x"), on("--expect-workers 0"), on("-P 80 --csv x"),
		on("--config-users"), on(`--config-users {"user_class_name":"A","weight":2} {"user_class_name":"B"}`), on("--config-users {"), on("--config-users 7"),
		on(`--config-users [{"user_class_name":"A"},{"user_class_name":"B"}]`), on(`--config-users {"weight":2}`), on("--config-users no.json"),
		inFile("u.json", `[{"user_class_name": "A", "weight": 4}]`, "--config-users", "u.json"), inFile("u.json", `{`, "--config-users", "u.json"),
		on("--nope"), on("--host x A --worker B"), on("A B -- C"), on("--ho http://a"), on("--master-h m"), on("--master-"), on("--slave"), on("--web-auth x"),
		inEnv("LOCUST_MASTER_NODE_HOST", "m", "LOCUST_MASTER_NODE_PORT", "1"), inEnv("LOCUST_MASTER_NODE_PORT", ""), inEnv("LOCUST_MASTER_HOST", "x"),
		inEnv("LOCUST_HOST", "http://e"), inEnv("LOCUST_HOST", ""), inEnv("LOCUST_TAGS", "a b"), inEnv("LOCUST_TAGS", "a,b"), inEnv("LOCUST_TAGS", "[a,b]"),
		inEnv("LOCUST_TAGS", `["a b", "c"]`), inEnv("LOCUST_TAGS", ""), inEnv("LOCUST_TAGS", "[]"), inEnv("LOCUST_EXCLUDE_TAGS", "[ a , b ]"),
		inEnv("LOCUST_STOP_TIMEOUT", "3m"), inEnv("LOCUST_STOP_TIMEOUT", ""), inEnv("LOCUST_RESET_STATS", "true"), inEnv("LOCUST_RESET_STATS", "0"),
		inEnv("LOCUST_RESET_STATS", "x"), inEnv("LOCUST_LOGLEVEL", "error"), inEnv("LOCUST_LOGFILE", "x.log"), inEnv("LOCUST_SKIP_LOG_SETUP", "YES"),
		inEnv("LOCUST_EXIT_CODE_ON_ERROR", "3"), inEnv("LOCUST_PROCESSES", "2"), inEnv("LOCUST_USER_CLASSES", " A  B "), inEnv("LOCUST_USER_CLASSES", ""),
		inEnv("LOCUST_MODE_WORKER", "1", "LOCUST_MODE_MASTER", "off"), inEnv("LOCUST_MODE_MASTER", "on"), inEnv("LOCUST_MODE_WORKER", ""),
		inEnv("LOCUST_CONFIG_USERS", `{"user_class_name": "A", "weight": 2}`), inEnv("LOCUST_CONFIG_USERS", `{`),
		inEnv("LOCUST_RUN_TIME", "5m", "LOCUST_USERS", "7", "LOCUST_SPAWN_RATE", "1.5", "LOCUST_AUTOSTART", "true"), inEnv("LOCUST_RUN_TIME", "x"),
		inFile("locust.conf", "master-host = m\nmaster-port: 5558\ntags = [a, b]\nreset-stats\nloglevel debug\n# c\n"), inFile("locust.conf", "reset-stats = maybe"),
		inFile("locust.conf", "--host http://f ; c"), inFile("locust.conf", "tags = a"), inFile("locust.conf", "master-port = [1]"), inFile("locust.conf", "=\n"),
		inFile("~/.locust.conf", "host = home"), inFile("pyproject.toml", "[tool.locust]\nhost = 'http://t'\nmaster-port = 5559\ntags = ['a']\nreset-stats = true\n"),
		inFile("pyproject.toml", "[tool.black]\nhost = 'x'\n"), inFile("pyproject.toml", "[tool.locust\n"), inFile("x.toml", "[tool.locust]\nhost = 'x'", "--config", "x.toml"),
		inFile("my.conf", "host = mine\nuser-classes = A", "--config", "none.conf"), inFile("my.conf", "host = mine", "--config=my.conf"),
	}
}

// randomCase mixes what the cases above have.
func randomCase(r *rand.Rand) shellCase {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	args := pick("", "--worker", "--worker --master-host line", "--host http://line", "-T line", "--tags line1 line2 --worker", "-L debug --reset-stats", "A", "A B --worker",
		"--stop-timeout 5", "--config my.conf", "--config my.conf A", "--processes 2 --logfile l", "--exit-code-on-error 9 -E", "--skip-log-setup --list")
	c := shellCase{args: strings.Fields(args), env: map[string]string{}, files: map[string]string{"my.conf": ""}}
	values := map[string][]string{
		"master-host": {"x", "y"}, "master-port": {"1", "2"}, "host": {"http://x", ""}, "tags": {"a", "[a,b]", "[]", ""}, "exclude-tags": {"c", "[c, d]"},
		"stop-timeout": {"7", "1m"}, "reset-stats": {"true", "False", "1", "no"}, "loglevel": {"debug", "ERROR"}, "logfile": {"x.log", ""},
		"skip-log-setup": {"yes", "off"}, "exit-code-on-error": {"3", "-1"}, "processes": {"3", "-1"}, "users": {"4"}, "web-port": {"80"},
	}
	variables := map[string]string{"master-host": "LOCUST_MASTER_NODE_HOST", "master-port": "LOCUST_MASTER_NODE_PORT"}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if r.IntN(5) == 0 {
			variable := variables[key]
			if variable == "" {
				variable = "LOCUST_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
			}
			c.env[variable] = pick(values[key]...)
		}
		for _, file := range []string{"~/.locust.conf", "locust.conf", "my.conf"} {
			if r.IntN(6) == 0 {
				c.files[file] += key + pick(" = ", ": ", " ") + pick(values[key]...) + "\n"
			}
		}
		if text := pick(values[key]...); r.IntN(8) == 0 && !strings.HasPrefix(text, "[") {
			c.files["pyproject.toml"] += key + " = " + fmt.Sprintf("%q", text) + "\n"
		}
	}
	if text := c.files["pyproject.toml"]; text != "" {
		c.files["pyproject.toml"] = "[project]\nname = 'x'\n[tool.locust]\n" + text
	}
	if r.IntN(4) == 0 {
		c.env["LOCUST_USER_CLASSES"] = pick("A", "A B", "")
	}
	return c
}

// read is what ours makes of a case, in the terms of Locust's options.
func (c shellCase) read(t *testing.T) (map[string]any, error) {
	t.Helper()
	env := map[string]string{"HOME": "/home/me"}
	for name, value := range c.env {
		env[name] = value
	}
	command, sh := testCommand(env, c.args...)
	for name, text := range c.files {
		sh.files[strings.Replace(name, "~", "/home/me", 1)] = text
	}
	s, err := command.read()
	if err != nil {
		return nil, err
	}
	levels := map[slog.Level]string{slog.LevelDebug: "DEBUG", slog.LevelInfo: "INFO", slog.LevelWarn: "WARNING", slog.LevelError: "ERROR", LevelCritical: "CRITICAL"}
	users := [][]any{}
	for _, u := range s.UserSettings {
		weight := any(nil)
		if u.Weight != nil {
			weight = float64(*u.Weight)
		}
		users = append(users, []any{u.Class, weight})
	}
	return map[string]any{
		"master": s.master, "master_host": cmp.Or(s.MasterHost, "127.0.0.1"), "master_port": cmp.Or(s.MasterPort, 5557), "host": s.Host, "tags": s.Tags, "exclude_tags": s.ExcludeTags,
		"stop_timeout": s.StopTimeout / time.Second, "equal_weights": s.EqualWeights, "reset_stats": s.ResetStats, "loglevel": levels[s.logLevel], "logfile": s.logFile,
		"skip_log_setup": s.HideLogs, "exit_code_on_error": s.ExitCodeOnError, "processes": s.processes, "user_classes": s.UserClasses,
		"list_commands": s.list, "show_task_ratio": s.ratio, "show_task_ratio_json": s.ratioJSON, "num_users": s.Users, "config_users": users,
	}, nil
}

// plainJSON makes what Python calls None, 0, "" or an empty list the same as
// nothing, which it is to Locust.
func plainJSON(t *testing.T, values map[string]any) map[string]any {
	t.Helper()
	data, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	plain := map[string]any{}
	if err := json.Unmarshal(data, &plain); err != nil {
		t.Fatal(err)
	}
	for name, v := range plain {
		if list, ok := v.([]any); v == nil || v == "" || v == 0.0 || ok && len(list) == 0 {
			delete(plain, name)
		}
	}
	return plain
}

// stockUsers turns Locust's list of lists of objects into pairs of class and
// weight.
func stockUsers(raw any) any {
	lists, _ := raw.([]any)
	pairs := [][]any{}
	for _, list := range lists {
		for _, one := range list.([]any) {
			object := one.(map[string]any)
			pairs = append(pairs, []any{object["user_class_name"], object["weight"]})
		}
	}
	return pairs
}

// Conformance: H8, C1, C2, C4, C5, C6, C7, C8, C9, C10, C12
func TestSettingsAreLocusts(t *testing.T) {
	cases := shellCases()
	random := rand.New(rand.NewPCG(10, 1))
	for range 600 {
		cases = append(cases, randomCase(random))
	}
	var answers []json.RawMessage
	locust(t, "parse", cases, &answers)
	accepted := 0
	for i, answer := range answers {
		got, err := cases[i].read(t)
		var want map[string]any
		if json.Unmarshal(answer, &want) != nil { // a list: refused
			if !strings.HasPrefix(string(answer), "[2,") {
				t.Fatalf("%+v: %s", cases[i], answer)
			}
			if err == nil {
				t.Errorf("%+v: %v, Locust says %s", cases[i], got, answer)
			}
			continue
		}
		want["config_users"] = stockUsers(want["config_users"])
		if want := plainJSON(t, want); err != nil || !reflect.DeepEqual(plainJSON(t, got), want) {
			t.Errorf("%+v:\n%v, %v; Locust says\n%v", cases[i], plainJSON(t, got), err, want)
		}
		accepted++
	}
	if refused := len(answers) - accepted; accepted < 500 || refused < 25 {
		t.Errorf("%d cases were accepted and %d refused: they test too little", accepted, refused)
	}
}
