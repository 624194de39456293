package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// Modules of others that the import table names.
const (
	fasthttp   = "github.com/valyala/fasthttp"
	gin        = "github.com/gin-gonic/gin"
	gofakeit   = "github.com/brianvoe/gofakeit"
	googleUUID = "github.com/google/uuid"
	goTOML     = "github.com/pelletier/go-toml/v2"
	kinOpenAPI = "github.com/getkin/kin-openapi"
	swgui      = "github.com/swaggest/swgui"
	goYAML     = "github.com/goccy/go-yaml"
	gopsutil   = "github.com/shirou/gopsutil"
	goRedis    = "github.com/redis/go-redis"
	eventBus   = "github.com/asaskevich/EventBus"
	envconfig  = "github.com/kelseyhightower/envconfig"
	msgpack    = "github.com/vmihailenco/msgpack"
	otel       = "go.opentelemetry.io/otel"
	otelslog   = "go.opentelemetry.io/contrib/bridges/otelslog"
	prometheus = "github.com/prometheus/client_golang"
	zmq4       = "github.com/go-zeromq/zmq4"
)

// row is a row of the import table. Names without a dot are packages of this module; a trailing "/..." adds what lies
// below. The standard library is always allowed.
type row struct {
	pkg string // a package, or a path.Match pattern
	// may is all that it may import directly; nil: anything.
	may []string
	// never is what must not be reachable, directly or through others.
	never []string
}

// table is the import table of the design. Rules that can only hold for direct imports (locustworker reaches x/sys, but
// only through internal/transport) follow from `may`.
func table() []row {
	return slices.Concat(serviceRows(), libraryRows(), clientRows(), headlessRows(), testRows())
}

func serviceRows() []row {
	return []row{
		{pkg: "cmd/*", never: []string{"internal/...", "e2e/...", "bench/...", "locustworker/mastertest"}},
		{
			pkg:   "api",
			may:   []string{gin, prometheus, kinOpenAPI, swgui, goYAML},
			never: []string{goRedis, envconfig, zmq4, "locustworker/...", "api/redisstore", "internal/..."},
		},
		{
			pkg:   "api/redisstore",
			may:   []string{"api", goRedis},
			never: []string{envconfig, zmq4, "locustworker/...", "internal/..."},
		},
	}
}

// libraryRows are locustworker and what it consists of.
func libraryRows() []row {
	return []row{
		{
			pkg: "locustworker",
			may: []string{
				"locustworker/internal/session", "locustworker/internal/uplink", "locustworker/internal/wire",
				"locustworker/internal/stats", "locustworker/internal/sysstat", "locustworker/internal/cli", "locustworker/internal/logline",
				"locustworker/internal/python", "locustworker/internal/fleet", "locustworker/internal/argument", "locustworker/internal/traceback", "locustworker/internal/headless/...",
				"locustworker/internal/arrivals", "locustworker/internal/ratelimit",
			},
			never: append(foreign(), fasthttp, gofakeit, "locustworker/httpuser", "loadtest"),
		},
		{
			pkg: "locustworker/internal/session",
			may: []string{"locustworker/internal/uplink", "locustworker/internal/wire", "locustworker/internal/stats"},
		},
		{
			pkg: "locustworker/internal/uplink",
			may: []string{googleUUID, "locustworker/internal/wire", "locustworker/internal/transport", "locustworker/internal/stats"},
		},
		{pkg: "locustworker/internal/wire", may: []string{msgpack, "locustworker/internal/python"}},
		{pkg: "locustworker/internal/python", may: []string{}},
		{pkg: "locustworker/internal/transport", may: []string{"golang.org/x/sys"}},
		{pkg: "locustworker/internal/fleet", may: []string{}},
		{pkg: "locustworker/internal/stats", may: []string{}},
		{pkg: "locustworker/internal/argument", may: []string{}},
		{pkg: "locustworker/internal/traceback", may: []string{}},
		{pkg: "locustworker/internal/arrivals", may: []string{}},
		{pkg: "locustworker/internal/ratelimit", may: []string{"locustworker/internal/arrivals"}},
		{pkg: "locustworker/internal/cli", may: []string{"locustworker/internal/python", goTOML}},
		{pkg: "locustworker/internal/logline", may: []string{}},
		{pkg: "locustworker/internal/sysstat", may: []string{gopsutil}},
	}
}

// clientRows are those that stand on locustworker's public API.
func clientRows() []row {
	return []row{
		{
			pkg:   "locustworker/httpuser",
			may:   []string{"locustworker", "locustworker/httpuser/internal/...", "golang.org/x/net"},
			never: append(foreign(), fasthttp, gofakeit, "loadtest"),
		},
		{pkg: "locustworker/httpuser/internal/http1", may: []string{}},
		{pkg: "locustworker/httpuser/internal/cookies", may: []string{}},
		{pkg: "locustworker/httpuser/internal/target", may: []string{}},
		{pkg: "locustworker/httpuser/internal/coding", may: []string{"github.com/klauspost/compress", "github.com/andybalholm/brotli"}},
		{
			pkg:   "locustworker/redisuser",
			may:   []string{"locustworker", goRedis},
			never: slices.DeleteFunc(append(foreign(), fasthttp, gofakeit), func(name string) bool { return name == goRedis }),
		},
		{
			pkg:   "locustworker/promworker",
			may:   []string{"locustworker", prometheus},
			never: slices.DeleteFunc(foreign(), func(name string) bool { return name == prometheus }),
		},
		{
			pkg:   "locustworker/otelworker",
			may:   []string{"locustworker", otel, otelslog, googleUUID},
			never: append(slices.DeleteFunc(foreign(), func(name string) bool { return name == otel }), fasthttp, gofakeit),
		},
		{
			pkg:   "loadtest",
			may:   []string{"locustworker", "locustworker/httpuser", "locustworker/redisuser", goRedis, gofakeit},
			never: slices.DeleteFunc(foreign(), func(name string) bool { return name == goRedis }),
		},
		{
			pkg:   "locustworker/mastertest",
			may:   []string{"locustworker/internal/wire", "locustworker/internal/transport", msgpack},
			never: append(foreign(), "locustworker", "locustworker/httpuser", "loadtest"),
		},
		{
			pkg:   "boomer",
			may:   []string{"locustworker", eventBus, prometheus, gopsutil}, // what boomer's API names, and its usage of CPU and memory
			never: []string{gin, goRedis, otel, envconfig, fasthttp, gofakeit, "locustworker/httpuser", "api/..."},
		},
	}
}

// testRows: nothing that ships may reach test code, see above; what it imports is its own affair.
func testRows() []row {
	return []row{
		{pkg: "internal/*"},
		{pkg: "e2e"},
		{pkg: "e2e/*"},
		{pkg: "e2e/*/*"},
		{pkg: "bench/*"},
		{pkg: "examples"},
		{pkg: "examples/internal/target", may: []string{}},
		{pkg: "examples/target", may: []string{"examples/internal/target"}},
		// What an author of a load test has, and nothing that only this module may import.
		{pkg: "examples/*", may: []string{"locustworker", "locustworker/httpuser", "locustworker/redisuser", "boomer", goRedis}},
	}
}

// headlessRows are those of a run without a master.
func headlessRows() []row {
	return []row{
		{pkg: "locustworker/loadshape", may: []string{"locustworker"}},
		{pkg: "locustworker/internal/headless/dispatch", may: []string{}},
		{pkg: "locustworker/internal/headless/figures", may: []string{"locustworker/internal/stats"}},
		{pkg: "locustworker/internal/headless/threshold", may: []string{"locustworker/internal/headless/figures"}},
		{
			pkg: "locustworker/internal/headless/report",
			may: []string{"locustworker/internal/headless/figures", "locustworker/internal/headless/threshold"},
		},
		{
			pkg: "locustworker/internal/headless/terminal",
			may: []string{
				"locustworker/internal/headless/figures", "locustworker/internal/headless/threshold", "locustworker/internal/stats",
				"golang.org/x/term", "golang.org/x/sys",
			},
		},
		{
			pkg: "locustworker/internal/headless",
			may: []string{"locustworker/internal/headless/...", "locustworker/internal/fleet", "locustworker/internal/stats"},
		},
	}
}

// foreign is what somebody who imports a package of the worker must not pull into their build.
func foreign() []string {
	return []string{gin, goRedis, prometheus, otel, envconfig, "api/...", "boomer", "internal/...", "e2e/...", "bench/..."}
}

// importFaults holds every package of the module against the table.
func importFaults(g graph, rows []row) []string {
	var faults []string
	for _, path := range g.own() {
		i := slices.IndexFunc(rows, func(r row) bool { return r.covers(path) })
		if i < 0 {
			faults = append(faults, short(path)+" is in no row of the import table: add one in internal/archtest")
			continue
		}
		faults = append(faults, rows[i].faults(g, path)...)
	}
	return faults
}

func (r row) covers(importPath string) bool {
	ok, err := path.Match(module+"/"+r.pkg, importPath)
	return ok && err == nil
}

func (r row) faults(g graph, from string) []string {
	var faults []string
	for _, imported := range g[from].Imports {
		if r.may != nil && !g.standard(imported) && !names(r.may, imported) {
			faults = append(faults, fmt.Sprintf("%s must not import %s", short(from), short(imported)))
		}
	}
	for _, never := range r.never {
		way := g.chain(from, func(path string) bool { return names([]string{never}, path) })
		if way != nil {
			faults = append(faults, fmt.Sprintf("%s must not reach %s: %s", short(from), never, short(strings.Join(way, " -> "))))
		}
	}
	return faults
}

// names reports whether the list names the import path: see row for how.
func names(list []string, importPath string) bool {
	return slices.ContainsFunc(list, func(name string) bool {
		tree, deep := strings.CutSuffix(name, "/...")
		if strings.Contains(name, ".") && !deep {
			return within(importPath, name)
		}
		if deep {
			return within(importPath, module+"/"+tree)
		}
		return importPath == module+"/"+name
	})
}

func short(text string) string { return strings.ReplaceAll(text, module+"/", "") }

func TestImportTable(t *testing.T) {
	g := loadGraph(t)
	if len(g.own()) < 3 {
		t.Fatalf("go list found %d packages of the module", len(g.own()))
	}
	for _, fault := range importFaults(g, table()) {
		t.Error(fault)
	}
}

type importCase struct {
	name    string
	imports map[string][]string // short names of the module's packages
	want    []string
}

func importCases() []importCase {
	const third = "github.com/somebody/else"
	return []importCase{
		{name: "all well", imports: map[string][]string{
			"api":                             {gin, "net/http"},
			"api/redisstore":                  {module + "/api", goRedis + "/v9"},
			"cmd/api":                         {module + "/api", module + "/api/redisstore", envconfig},
			"locustworker":                    {module + "/locustworker/internal/uplink", "context"},
			"locustworker/internal/uplink":    {module + "/locustworker/internal/transport"},
			"locustworker/internal/transport": {"golang.org/x/sys/unix"},
			"e2e":                             {third},
		}},
		{
			name:    "a direct import that the row does not have",
			imports: map[string][]string{"locustworker/internal/stats": {third}, "locustworker": {zmq4}},
			want:    []string{"locustworker must not import " + zmq4, "locustworker/internal/stats must not import " + third},
		},
		{
			name: "reached through a package that may be imported",
			imports: map[string][]string{
				"locustworker":               {module + "/locustworker/internal/wire"},
				"locustworker/internal/wire": {msgpack},
				msgpack:                      {third},
				third:                        {prometheus + "/prometheus"},
			},
			want: []string{"locustworker must not reach " + prometheus + ": locustworker -> locustworker/internal/wire -> " +
				msgpack + " -> " + third + " -> " + prometheus + "/prometheus"},
		},
		{
			name:    "siblings",
			imports: map[string][]string{"locustworker/internal/stats": {module + "/locustworker/internal/wire"}},
			want:    []string{"locustworker/internal/stats must not import locustworker/internal/wire"},
		},
		{
			name:    "test code in a program",
			imports: map[string][]string{"cmd/api": {module + "/internal/redistest"}},
			want:    []string{"cmd/api must not reach internal/...: cmd/api -> internal/redistest"},
		},
		{
			name:    "a package without a row",
			imports: map[string][]string{"tools": {"fmt"}, "api/deep/er": nil},
			want: []string{
				"api/deep/er is in no row of the import table: add one in internal/archtest",
				"tools is in no row of the import table: add one in internal/archtest",
			},
		},
	}
}

func TestImportFaults(t *testing.T) {
	for _, test := range importCases() {
		t.Run(test.name, func(t *testing.T) {
			g := graph{}
			for name, imports := range test.imports {
				path := name
				if !strings.Contains(name, ".") {
					path = module + "/" + name
				}
				g[path] = listed{ImportPath: path, Imports: imports, DepOnly: path == name}
			}
			if got := importFaults(g, table()); !slices.Equal(got, test.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}
