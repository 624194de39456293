package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// contractFault says where a reply differs from what the document promises; empty for nowhere. All tests that ask a
// Server go through it.
func contractFault(s *Server, method, target string, resp *http.Response, body string) string {
	path, _, _ := strings.Cut(target, "?")
	routes := s.routes()
	i := slices.IndexFunc(routes, func(r route) bool { return r.method == method && covers(r.path, path) })
	if i < 0 || resp.StatusCode == http.StatusInternalServerError || resp.StatusCode == statusClientGone {
		return ""
	}
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return err.Error()
	}
	want, schema := "application/json", closed(pair{"error", textOf("")})
	if resp.StatusCode == http.StatusOK {
		schema = routes[i].reply
		if routes[i].as != "" {
			want = routes[i].as
		}
	} else if !slices.Contains(routes[i].statuses(), resp.StatusCode) {
		return fmt.Sprintf("%s may not answer %d", routes[i].id, resp.StatusCode)
	}
	if media != want {
		return fmt.Sprintf("%s answered %s, want %s", routes[i].id, media, want)
	}
	if schema == nil {
		return ""
	}
	var value any
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		return err.Error()
	}
	return schemaFault(schema, value, routes[i].id)
}

func covers(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(part, sent string) bool {
		return part == sent || strings.HasPrefix(part, ":") && sent != ""
	})
}

// schemaFault knows the part of JSON Schema that the contract uses for replies.
func schemaFault(schema mapping, value any, at string) string {
	object, _ := value.(map[string]any)
	for _, p := range schema {
		fault := ""
		switch want := p.value.(type) {
		case bool: // additionalProperties
			for name := range object {
				if !slices.ContainsFunc(field(schema, "properties"), func(p pair) bool { return p.key == name }) {
					fault = "has " + name
				}
			}
		case int: // minLength
			if text, ok := value.(string); ok && len(text) < want {
				fault = "is too short"
			}
		case []any:
			fault = listFault(p.key, want, object, value)
		case string:
			if p.key == "const" && value != want || p.key == "type" && typeOf(value) != want {
				fault = fmt.Sprintf("is %v, want %s", value, want)
			}
		case mapping:
			fault = nestedFault(p.key, want, value, at)
		}
		if fault != "" {
			return at + ": " + fault
		}
	}
	return ""
}

func listFault(key string, want []any, object map[string]any, value any) string {
	for _, name := range want {
		if _, has := object[name.(string)]; key == "required" && !has {
			return "has no " + name.(string)
		}
	}
	if key == "type" && !slices.Contains(want, any(typeOf(value))) {
		return fmt.Sprintf("is %v, want %v", value, want)
	}
	return ""
}

func nestedFault(key string, want mapping, value any, at string) string {
	switch key {
	case "properties":
		for _, p := range want {
			if member, has := value.(map[string]any)[p.key]; has {
				if fault := schemaFault(p.value.(mapping), member, at+"."+p.key); fault != "" {
					return fault
				}
			}
		}
	case "items":
		elements, _ := value.([]any)
		for _, element := range elements {
			if fault := schemaFault(want, element, at+"[]"); fault != "" {
				return fault
			}
		}
	case "additionalProperties":
		for name, member := range value.(map[string]any) {
			if fault := schemaFault(want, member, at+"."+name); fault != "" {
				return fault
			}
		}
	}
	return ""
}

func field(m mapping, key string) mapping {
	for _, p := range m {
		if p.key == key {
			return p.value.(mapping)
		}
	}
	return nil
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

func TestContractFault(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{})
	reply := func(status int, media string) *http.Response {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {media}}}
	}
	const js = "application/json; charset=utf-8"
	for _, tc := range []struct {
		method, target string
		resp           *http.Response
		body, says     string
	}{
		{get, "/api/v1/keys?limit=1", reply(200, js), `{"status":"ok","json":["a"]}`, ""},
		{get, "/api/v1/keys", reply(200, js), `{"status":"ok","json":[1]}`, "getKeys.json[]: is 1"},
		{get, "/api/v1/keys", reply(200, js), `{"status":"ok","json":{}}`, "getKeys.json: is map[]"},
		{get, "/api/v1/keys", reply(200, js), `{"status":"no","json":[]}`, "getKeys.status: is no"},
		{get, "/api/v1/keys", reply(200, js), `{"status":"ok"}`, "has no json"},
		{get, "/api/v1/keys", reply(200, js), `{"status":"ok","json":[],"x":1}`, "has x"},
		{get, "/api/v1/keys", reply(404, js), `{"error":"x"}`, "getKeys may not answer 404"},
		{get, "/api/v1/keys", reply(400, js), `{"error":""}`, "too short"},
		{get, "/api/v1/keys", reply(400, "text/plain"), `{"error":"x"}`, "answered text/plain"},
		{get, "/api/v1/hash/k", reply(200, js), `{"status":"ok","json":{"a":1}}`, "getHash.json.a: is 1"},
		{get, "/docs", reply(200, "text/html"), ``, ""},
		{get, "/nope", reply(404, "text/plain"), ``, ""},
	} {
		got := contractFault(s, tc.method, tc.target, tc.resp, tc.body)
		if !strings.Contains(got, tc.says) || (tc.says == "") != (got == "") {
			t.Errorf("%s %s: %q, want %q", tc.target, tc.body, got, tc.says)
		}
	}
}

// TestDocumentAndRoutes reads the document as a client does and compares it with what gin routes.
func TestDocumentAndRoutes(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{})
	_, text := ask(s, get, "/openapi.yaml", "")
	var document struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string `yaml:"operationId"`
			Parameters  []struct{ Name, In string }
			Responses   map[string]any
		}
	}
	if err := yaml.Unmarshal([]byte(text), &document); err != nil || document.OpenAPI != "3.1.0" {
		t.Fatalf("%v in\n%s", err, text)
	}
	var routed, documented []string
	for _, r := range s.engine.Routes() {
		if r.Method == http.MethodHead {
			continue // wherever GET is: see TestHeadIsGetWithoutABody
		}
		routed = append(routed, r.Method+" "+regexp.MustCompile(`:([a-z]+)`).ReplaceAllString(r.Path, "{$1}"))
	}
	ids := map[string]bool{}
	for path, methods := range document.Paths {
		for method, operation := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
			if ids[operation.OperationID] || operation.OperationID == "" {
				t.Errorf("%s %s: operationId %q", method, path, operation.OperationID)
			}
			ids[operation.OperationID] = true
			if operation.Responses["200"] == nil {
				t.Errorf("%s %s: responses %v", method, path, operation.Responses)
			}
			var inPath []string
			for _, p := range operation.Parameters {
				if p.In == "path" {
					inPath = append(inPath, "{"+p.Name+"}")
				}
			}
			if want := regexp.MustCompile(`{[a-z]+}`).FindAllString(path, -1); !slices.Equal(inPath, want) {
				t.Errorf("%s %s: parameters %v, want %v", method, path, inPath, want)
			}
		}
	}
	slices.Sort(routed)
	slices.Sort(documented)
	if !slices.Equal(routed, documented) {
		t.Errorf("routed\n%s\ndocumented\n%s", strings.Join(routed, "\n"), strings.Join(documented, "\n"))
	}
}

func TestYAML(t *testing.T) {
	m := mapping{
		{"a", "plain text"},
		{"200", "quoted: \"x\" #1\n"},
		{"on", "true"},
		{"l", []any{"x", 1, mapping{{"m", true}, {"n", []any{}}}, mapping{}}},
		{"m", mapping{{"$ref", "#/a"}, {"deep", mapping{{"j", jsonText(`{"k":[1,null]}`)}}}}},
	}
	var fromYAML, fromJSON any
	if err := yaml.Unmarshal(m.yaml(), &fromYAML); err != nil {
		t.Fatalf("%v\n%s", err, m.yaml())
	}
	if err := json.Unmarshal([]byte(m.json()), &fromJSON); err != nil {
		t.Fatalf("%v\n%s", err, m.json())
	}
	asJSON, err := json.Marshal(fromYAML)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(fromJSON)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"200":"quoted: \"x\" #1\n","a":"plain text","l":["x",1,{"m":true,"n":[]},{}],"m":{"$ref":"#/a","deep":{"j":{"k":[1,null]}}},"on":"true"}`
	if string(asJSON) != want || !bytes.Equal(again, asJSON) {
		t.Errorf("YAML %s\nJSON %s\nwant %s", asJSON, again, want)
	}
}

func TestExamplesForAHost(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{})
	for host, want := range map[string]string{"api.test:80": "api.test:80", "x';rm": "localhost:5000", "[::1]:5": "[::1]:5"} {
		req, rec := httptest.NewRequest(get, "/examples", nil), httptest.NewRecorder()
		req.Host = host
		s.ServeHTTP(rec, req)
		if want := "'http://" + want + "/api/v1/doc/example:ada'"; !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%q: no %s in %s", host, want, rec.Body)
		}
	}
	for _, r := range s.routes() {
		if r.example != nil && strings.Contains(r.example.body+r.example.target, "'") {
			t.Errorf("%s: a single quote in the example", r.id)
		}
	}
}
