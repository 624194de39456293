package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"
	"github.com/goccy/go-yaml"
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
	body   *openapi3.Schema // of the request's body, nil for none
	reply  *openapi3.Schema // of the whole reply with status 200; of any text if nil
	as     string           // media type of the reply, empty for JSON
	fails  []int            // statuses of failures beside those that statuses adds

	offline bool     // answers without Redis
	example *example // for the start page and the curl lines
}

// param is a part of the path or of the query.
type param struct {
	name, in, text string
	schema         *openapi3.Schema
	example        any
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

func anyValue(text string) *openapi3.Schema { return &openapi3.Schema{Description: text} }

func typed(text string, types ...string) *openapi3.Schema {
	return &openapi3.Schema{Type: (*openapi3.Types)(&types), Description: text}
}

func stringOf(text string) *openapi3.Schema { return typed(text, openapi3.TypeString) }

// textOf is a string that is not empty.
func textOf(text string) *openapi3.Schema { return stringOf(text).WithMinLength(1) }

func arrayOf(items *openapi3.Schema) *openapi3.Schema {
	return typed("", openapi3.TypeArray).WithItems(items)
}

// property is a member of an object.
type property struct {
	name   string
	schema *openapi3.Schema
}

// open is an object that has all of these properties and maybe others.
func open(properties ...property) *openapi3.Schema {
	object := typed("", openapi3.TypeObject)
	for _, p := range properties {
		object.WithProperty(p.name, p.schema)
		object.Required = append(object.Required, p.name)
	}
	return object
}

// closed is an object that has all of these properties and no other.
func closed(properties ...property) *openapi3.Schema {
	return open(properties...).WithoutAdditionalProperties()
}

// replyOf is the reply that replyOK writes, without a key.
func replyOf(value *openapi3.Schema) *openapi3.Schema {
	return closed(property{"status", statusOK()}, property{"json", value})
}

// replyWithKey is the reply that replyOK writes, with a key.
func replyWithKey(value *openapi3.Schema) *openapi3.Schema {
	return closed(property{"status", statusOK()}, property{"key", textOf("The key in Redis.")}, property{"json", value})
}

func statusOK() *openapi3.Schema { return &openapi3.Schema{Const: "ok"} }

// errorSchema is the reply that replyError writes.
func errorSchema() *openapi3.Schema {
	return closed(property{"error", textOf("What is wrong and what to do.")})
}

// changeOf is the body of the PUT routes.
func changeOf(field *openapi3.Schema, name string, value *openapi3.Schema) *openapi3.Schema {
	return open(property{"key", textOf("The key in Redis.")}, property{"field", field}, property{name, value})
}

// The document.

var failureTexts = map[int]string{
	http.StatusBadRequest:            "Malformed input",
	http.StatusNotFound:              "No such key, or nothing at the path",
	http.StatusConflict:              "Wrong type at the key or the path",
	http.StatusRequestEntityTooLarge: "The body is larger than API_MAX_BODY",
	http.StatusUnsupportedMediaType:  "The body is said not to be JSON, or compressed",
	http.StatusServiceUnavailable:    "Redis cannot serve the request now",
}

// openAPI is the document of these routes. HEAD, wherever GET is, and OPTIONS are not in it.
func openAPI(routes []route) *openapi3.T {
	doc := &openapi3.T{
		OpenAPI: "3.1.0",
		Info: &openapi3.Info{
			Title: "Bandwing API", Version: "1", Description: description,
			License: &openapi3.License{Name: "MIT", Identifier: "MIT"},
		},
		Servers:    openapi3.Servers{{URL: "/"}},
		Paths:      openapi3.NewPaths(),
		Components: &openapi3.Components{Schemas: openapi3.Schemas{"Error": errorSchema().NewRef()}},
	}
	for _, r := range routes {
		item := doc.Paths.Value(r.template())
		if item == nil {
			item = &openapi3.PathItem{}
			doc.Paths.Set(r.template(), item)
		}
		item.SetOperation(r.method, r.operation())
		if doc.Tags.Get(r.group) == nil {
			doc.Tags = append(doc.Tags, &openapi3.Tag{Name: r.group})
		}
	}
	return doc
}

func documentYAML(doc *openapi3.T) ([]byte, error) {
	text, err := doc.MarshalJSON()
	if err == nil {
		text, err = yaml.JSONToYAML(text)
	}
	if err != nil {
		return nil, fmt.Errorf("api: OpenAPI document: %w", err)
	}
	return text, nil
}

func (r route) operation() *openapi3.Operation {
	op := &openapi3.Operation{OperationID: r.id, Tags: []string{r.group}, Summary: r.summary, Description: r.text, Responses: r.responses()}
	for _, p := range r.params {
		op.AddParameter(&openapi3.Parameter{
			Name: p.name, In: p.in, Required: p.in == openapi3.ParameterInPath, Description: p.text,
			Schema: p.schema.NewRef(), Example: p.example,
		})
	}
	if r.body != nil {
		media := openapi3.NewMediaType().WithSchema(r.body)
		if r.example != nil {
			media.Example = exampleValue(r.example.body)
		}
		op.RequestBody = &openapi3.RequestBodyRef{Value: openapi3.NewRequestBody().WithRequired(true).
			WithContent(openapi3.Content{jsonMedia: media})}
	}
	return op
}

// exampleValue is the value of a JSON text. A test holds all examples against their schemas.
func exampleValue(text string) any {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return err.Error()
	}
	return value
}

const jsonMedia = "application/json"

func (r route) responses() *openapi3.Responses {
	schema, media := r.reply, r.as
	if schema == nil {
		schema = stringOf("")
	}
	if media == "" {
		media = jsonMedia
	}
	done := openapi3.NewResponse().WithDescription("Done").
		WithContent(openapi3.Content{media: openapi3.NewMediaType().WithSchema(schema)})
	out := openapi3.NewResponses(openapi3.WithStatus(http.StatusOK, &openapi3.ResponseRef{Value: done}))
	fault := openapi3.NewMediaType().WithSchemaRef(openapi3.NewSchemaRef("#/components/schemas/Error", errorSchema()))
	for _, status := range r.statuses() {
		failure := openapi3.NewResponse().WithDescription(failureTexts[status]).WithContent(openapi3.Content{jsonMedia: fault})
		if status == http.StatusServiceUnavailable {
			failure.Headers = openapi3.Headers{"Retry-After": {Value: &openapi3.Header{Parameter: openapi3.Parameter{
				Description: "Seconds to wait", Schema: stringOf("").WithPattern("^[0-9]+$").NewRef(),
			}}}}
		}
		out.Set(strconv.Itoa(status), &openapi3.ResponseRef{Value: failure})
	}
	return out
}

const description = `The REST service in front of Redis and RedisJSON. ` +
	`JSON passes through as it is: numbers of any size, and the order and spelling of what is sent, stay untouched here.`
