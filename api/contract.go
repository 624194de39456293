package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// route is one line of the contract: what is asked for, who answers, and all that the OpenAPI document and the pages
// say about it. Routing, document, pages and examples come from nowhere else.
type route struct {
	method string
	path   string // in gin's form, /a/:id
	handle gin.HandlerFunc

	id      string // operationId
	group   string
	summary string
	text    string // more about it, may be empty

	params []param
	body   mapping // the schema of the request's body, nil for none
	reply  mapping // the schema of the whole reply with status 200; of any text if nil
	as     string  // media type of the reply, empty for JSON
	fails  []int   // statuses of failures beside those that statuses adds

	offline bool     // answers without Redis
	example *example // for the start page and the curl lines
}

// param is a part of the path or of the query.
type param struct {
	name, in, text string
	schema         mapping
	example        string
}

// example is a call that works when the examples before it were made.
type example struct {
	target string // path and query, escaped
	body   string // JSON without single quotes, for shells
}

// statuses are the failures of a route, in order. 500 is not among them: it is a fault of the service.
func (r route) statuses() []int {
	out := slices.Clone(r.fails)
	if len(r.params) > 0 || r.body != nil {
		out = append(out, http.StatusBadRequest)
	}
	if r.body != nil {
		out = append(out, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if !r.offline {
		out = append(out, http.StatusServiceUnavailable)
	}
	slices.Sort(out)
	return out
}

// template is the path in OpenAPI's form, /a/{id}.
func (r route) template() string {
	parts := strings.Split(r.path, "/")
	for i, part := range parts {
		if name, isParam := strings.CutPrefix(part, ":"); isParam {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// Schemas.

func anyValue(text string) mapping { return mapping{{"description", text}} }

func stringOf(text string) mapping { return mapping{{"type", "string"}, {"description", text}} }

func arrayOf(items mapping) mapping { return mapping{{"type", "array"}, {"items", items}} }

// textOf is a string that is not empty.
func textOf(text string) mapping {
	return mapping{{"type", "string"}, {"description", text}, {"minLength", 1}}
}

// closed is an object that has all of these properties and no other.
func closed(properties ...pair) mapping {
	return mapping{
		{"type", "object"},
		{"required", names(properties)},
		{"properties", mapping(properties)},
		{"additionalProperties", false},
	}
}

// open is an object that has all of these properties and maybe others.
func open(properties ...pair) mapping {
	return mapping{{"type", "object"}, {"required", names(properties)}, {"properties", mapping(properties)}}
}

func names(properties []pair) []any {
	out := make([]any, len(properties))
	for i, p := range properties {
		out[i] = p.key
	}
	return out
}

// replyOf is the reply that replyOK writes, without a key.
func replyOf(value mapping) mapping { return closed(pair{"status", statusOK()}, pair{"json", value}) }

// replyWithKey is the reply that replyOK writes, with a key.
func replyWithKey(value mapping) mapping {
	return closed(pair{"status", statusOK()}, pair{"key", textOf("The key in Redis.")}, pair{"json", value})
}

func statusOK() mapping { return mapping{{"const", "ok"}} }

// changeOf is the body of the PUT routes.
func changeOf(field mapping, name string, value mapping) mapping {
	return open(pair{"key", textOf("The key in Redis.")}, pair{"field", field}, pair{name, value})
}

// The document.

var failureTexts = map[int]string{
	http.StatusBadRequest:            "Malformed input",
	http.StatusNotFound:              "No such key, or nothing at the path",
	http.StatusConflict:              "Wrong type at the key or the path",
	http.StatusRequestEntityTooLarge: "The body is larger than API_MAX_BODY",
	http.StatusUnsupportedMediaType:  "The body is said not to be JSON",
	http.StatusServiceUnavailable:    "Redis cannot serve the request now",
}

// openAPI is the document of these routes.
func openAPI(routes []route) mapping {
	var paths, tags mapping
	var groups []any
	for _, r := range routes {
		i := slices.IndexFunc(paths, func(p pair) bool { return p.key == r.template() })
		if i < 0 {
			i = len(paths)
			paths = append(paths, pair{r.template(), mapping{}})
		}
		methods, _ := paths[i].value.(mapping)
		methods = append(methods, pair{strings.ToLower(r.method), r.operation()})
		paths[i].value = methods
		if !slices.ContainsFunc(tags, func(p pair) bool { return p.key == r.group }) {
			tags = append(tags, pair{r.group, nil})
			groups = append(groups, mapping{{"name", r.group}})
		}
	}
	return mapping{
		{"openapi", "3.1.0"},
		{"info", mapping{
			{"title", "Bandwing API"},
			{"version", "1"},
			{"license", mapping{{"name", "MIT"}, {"identifier", "MIT"}}},
			{"description", description},
		}},
		{"servers", []any{mapping{{"url", "/"}}}},
		{"tags", groups},
		{"paths", paths},
		{"components", mapping{
			{"schemas", mapping{{"Error", closed(pair{"error", textOf("What is wrong and what to do.")})}}},
		}},
	}
}

func (r route) operation() mapping {
	m := mapping{{"operationId", r.id}, {"tags", []any{r.group}}, {"summary", r.summary}}
	if r.text != "" {
		m = append(m, pair{"description", r.text})
	}
	var params []any
	for _, p := range r.params {
		params = append(params, mapping{
			{"name", p.name},
			{"in", p.in},
			{"required", p.in == "path"},
			{"description", p.text},
			{"schema", p.schema},
			{"example", p.example},
		})
	}
	if params != nil {
		m = append(m, pair{"parameters", params})
	}
	if r.body != nil {
		content := mapping{{"schema", r.body}}
		if r.example != nil {
			content = append(content, pair{"example", jsonText(r.example.body)})
		}
		m = append(m, pair{"requestBody", mapping{
			{"required", true}, {"content", mapping{{"application/json", content}}},
		}})
	}
	return append(m, pair{"responses", r.responses()})
}

func (r route) responses() mapping {
	schema := r.reply
	if schema == nil {
		schema = mapping{{"type", "string"}}
	}
	media := r.as
	if media == "" {
		media = "application/json"
	}
	out := mapping{{"200", mapping{
		{"description", "Done"}, {"content", mapping{{media, mapping{{"schema", schema}}}}},
	}}}
	for _, status := range r.statuses() {
		failure := mapping{
			{"description", failureTexts[status]},
			{"content", mapping{{"application/json", mapping{
				{"schema", mapping{{"$ref", "#/components/schemas/Error"}}},
			}}}},
		}
		if status == http.StatusServiceUnavailable {
			failure = append(failure, pair{"headers", mapping{{"Retry-After", mapping{
				{"description", "Seconds to wait"}, {"schema", mapping{{"type", "string"}, {"pattern", "^[0-9]+$"}}},
			}}}})
		}
		out = append(out, pair{strconv.Itoa(status), failure})
	}
	return out
}

const description = `The REST service in front of Redis and RedisJSON. ` +
	`JSON passes through as it is: numbers of any size, and the order and spelling of what is sent, stay untouched here.`
