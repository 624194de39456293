package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../.."

func project(t *testing.T, env []string, profiles ...string) *types.Project {
	t.Helper()
	p, err := loadCompose(t.Context(), filepath.Join(root, composeFile), env, profiles)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestProfiles is what docker compose starts.
func TestProfiles(t *testing.T) {
	alone := []string{"app", "locust_master", "locust_worker", "redis", "samples"}
	tests := []struct {
		profile string
		more    []string
	}{
		{"", nil},
		{"monitoring", []string{"cadvisor", "grafana", "prometheus", "redis_exporter"}},
		{"python", []string{"locust_worker_python"}},
	}
	for _, test := range tests {
		want := slices.Sorted(slices.Values(append(slices.Clone(alone), test.more...)))
		if got := slices.Sorted(maps.Keys(project(t, nil, test.profile).Services)); !slices.Equal(got, want) {
			t.Errorf("profile %q: %q, want %q", test.profile, got, want)
		}
	}
}

// TestPublishedPorts: what people open in a browser, and nothing else.
func TestPublishedPorts(t *testing.T) {
	var got []string
	for name, s := range project(t, nil, "*").Services {
		for _, port := range s.Ports {
			got = append(got, name+" "+port.Published)
		}
	}
	slices.Sort(got)
	if want := []string{"app 5000", "grafana 3000", "locust_master 8089", "prometheus 9090"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestStartOrder: the chain of those that wait for each other.
func TestStartOrder(t *testing.T) {
	services := project(t, nil, "*").Services
	for _, pair := range [][2]string{
		{"app", "redis"}, {"samples", "app"}, {"locust_master", "app"}, {"locust_master", "samples"}, {"locust_worker", "locust_master"}, {"locust_worker_python", "locust_master"},
	} {
		if _, ok := services[pair[0]].DependsOn[pair[1]]; !ok {
			t.Errorf("%s does not wait for %s", pair[0], pair[1])
		}
	}
}

// TestEnvironment: variables of the shell reach the containers, and app.conf has the last word.
func TestEnvironment(t *testing.T) {
	value := func(p *types.Project, service, name string) string {
		if v := p.Services[service].Environment[name]; v != nil {
			return *v
		}
		return "(not set)"
	}
	check := func(p *types.Project, service, name, want string) {
		t.Helper()
		if got := value(p, service, name); got != want {
			t.Errorf("%s: %s is %q, want %q", service, name, got, want)
		}
	}
	p := project(t, nil, "*")
	check(p, "app", "REDIS_HOST", "redis")
	check(p, "app", "REDIS_PASSWORD", "")
	check(p, "locust_master", "LOCUST_HOST", "http://app:5000")
	check(p, "locust_master", "LOCUST_LOCUSTFILE", "locustfile.py,master/load_shapes.py")
	check(p, "locust_worker", "LOCUST_MASTER_NODE_HOST", "locust_master")
	check(p, "redis_exporter", "REDIS_ADDR", "redis://redis:6379")

	p = project(t, []string{"REDIS_HOST=redis.example.com", "REDIS_PASSWORD=a b$$c", "LOCUST_USERCLASS_PICKER=false"}, "*")
	check(p, "app", "REDIS_HOST", "redis.example.com")
	check(p, "app", "REDIS_PASSWORD", "a b$$c")
	check(p, "locust_master", "LOCUST_USERCLASS_PICKER", "false")
	check(p, "redis_exporter", "REDIS_ADDR", "redis://redis.example.com:6379")
}

// TestGracePeriods: what ends users has time for them and for the last report, by default and as it is set.
func TestGracePeriods(t *testing.T) {
	for _, env := range [][]string{nil, {"LOCUST_STOP_TIMEOUT=60", "STOP_GRACE_PERIOD=70s"}} {
		p := project(t, env, "*")
		for _, name := range []string{"locust_master", "locust_worker", "locust_worker_python"} {
			s := p.Services[name]
			seconds, err := strconv.Atoi(*s.Environment["LOCUST_STOP_TIMEOUT"])
			if err != nil || time.Duration(*s.StopGracePeriod) < time.Duration(seconds)*time.Second+afterStop {
				t.Errorf("%q: %s has %v for LOCUST_STOP_TIMEOUT %d s (%v)", env, name, s.StopGracePeriod, seconds, err)
			}
		}
	}
}

// TestVariables: what differs between hosts is a variable.
func TestVariables(t *testing.T) {
	p := project(t, []string{"OPEN_FILES=1024", "WORKERS=3", "SAMPLES=0"}, "*")
	worker := p.Services["locust_worker"]
	if worker.Ulimits["nofile"].Single != 1024 || worker.GetScale() != 3 || !slices.Contains(p.Services["samples"].Command, "0") {
		t.Errorf("open files %v, %d workers, samples %q", worker.Ulimits["nofile"], worker.GetScale(), p.Services["samples"].Command)
	}
	for _, s := range p.Services {
		if s.Build != nil && s.Build.Args["VERSION"] == nil {
			t.Errorf("%s is built without a version", s.Name)
		}
	}
}

// TestRedisSettings: Redis has the settings of local_conf/redis.conf in containers too, as arguments.
func TestRedisSettings(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "local_conf", "redis.conf"))
	if err != nil {
		t.Fatal(err)
	}
	m := rendered(t, "base")
	redis := slices.IndexFunc(m.workloads, func(w workload) bool { return w.name == "redis" })
	places := map[string][]string{
		"docker-compose.yml": project(t, nil, "*").Services["redis"].Command, "Kubernetes": m.workloads[redis].pod.Spec.Containers[0].Args,
	}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || name == "#" || name == "bind" { // in a container it listens on all addresses
			continue
		}
		for place, args := range places {
			if i := slices.Index(args, "--"+name); i < 0 || i+1 == len(args) || args[i+1] != value {
				t.Errorf("%s: Redis is not given --%s %q: %q", place, name, value, args)
			}
		}
	}
}

func TestComposeFaults(t *testing.T) {
	const good = `
services:
  app:
    image: bandwing/api:dev
    restart: always
    healthcheck: { test: [CMD, /api, -health] }
    deploy: { resources: { limits: { cpus: "1", memory: 1g } } }
`
	tests := []struct{ name, old, with, want string }{
		{"good", "", "", ""},
		{"latest", "api:dev", "api:latest", "name a version"},
		{"no tag", "api:dev", "api", "name a version"},
		{"name", "restart: always", "restart: always\n    container_name: app", "cannot be scaled"},
		{"restart", "    restart: always\n", "", "no restart policy"},
		{"health", "    healthcheck: { test: [CMD, /api, -health] }\n", "", "no health check"},
		{"limit", `cpus: "1", `, "", "no limit"},
		{"order", "restart: always", "restart: always\n    depends_on: [b]\n  b:\n    image: b:1", "before b is healthy"},
		{"job", "    restart: always\n    healthcheck: { test: [CMD, /api, -health] }\n", "    restart: \"no\"\n", ""},
		{"order after a job", "restart: always", "restart: always\n    depends_on: [b]\n  b:\n    image: b:1\n    restart: \"no\"", "before b has ended well"},
		{"file", "restart: always", "restart: always\n    build: .", "no file"},
		{"two builders", "restart: always", "restart: always\n    build: .\n  b:\n    image: bandwing/api:dev\n    build: .", "services app and b both build bandwing/api:dev"},
		{"built anew", "restart: always", "restart: always\n    build: .\n    pull_policy: build", "leave it out"},
		{"rights", "restart: always", "restart: always\n    build: .", "need no rights"},
		{"mount", "restart: always", "restart: always\n    volumes: [./none:/x]", "there is not"},
		{"not in the specification", "restart: always", "restarts: always", "restarts"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			text := strings.Replace(good, test.old, test.with, 1)
			if err := os.WriteFile(filepath.Join(dir, composeFile), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(checkCompose(t.Context(), dir), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("faults %q, want one with %q", got, test.want)
			}
		})
	}
}
