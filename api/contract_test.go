package api

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
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
	want, schema := "application/json", errorSchema()
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
	if err := schema.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
		return routes[i].id + ": " + err.Error()
	}
	return ""
}

func covers(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(part, sent string) bool {
		return part == sent || strings.HasPrefix(part, ":") && sent != ""
	})
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
		{get, "/api/v1/keys", reply(200, js), `{"status":"ok","json":[1]}`, "/json/0"},
		{get, "/api/v1/keys", reply(200, js), `{"status":"ok","json":{}}`, "/json"},
		{get, "/api/v1/keys", reply(200, js), `{"status":"no","json":[]}`, "/status"},
		{get, "/api/v1/keys", reply(200, js), `{"status":"ok"}`, "json"},
		{get, "/api/v1/keys", reply(200, js), `{"status":"ok","json":[],"x":1}`, "x"},
		{get, "/api/v1/keys", reply(404, js), `{"error":"x"}`, "getKeys may not answer 404"},
		{get, "/api/v1/keys", reply(400, js), `{"error":""}`, "minLength"},
		{get, "/api/v1/keys", reply(400, "text/plain"), `{"error":"x"}`, "answered text/plain"},
		{get, "/api/v1/hash/k", reply(200, js), `{"status":"ok","json":{"a":1}}`, "/json/a"},
		{get, "/docs", reply(200, "text/html"), ``, ""},
		{get, "/nope", reply(404, "text/plain"), ``, ""},
	} {
		got := contractFault(s, tc.method, tc.target, tc.resp, tc.body)
		if !strings.Contains(got, tc.says) || (tc.says == "") != (got == "") {
			t.Errorf("%s %s: %q, want %q", tc.target, tc.body, got, tc.says)
		}
	}
}

// TestDocumentIsValid has the library check the document and its examples, as it is made and as a client reads it.
func TestDocumentIsValid(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{})
	if err := openAPI(s.routes()).Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	_, text := ask(s, get, "/openapi.yaml", "")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	bad := openAPI(s.routes())
	bad.Paths.Value("/api/v1/keys").Get.OperationID = "getDocument"
	if err := bad.Validate(t.Context()); err == nil {
		t.Error("two operations of one name are valid")
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
		if r.Method == http.MethodHead || strings.HasPrefix(r.Path, docsPath+"/") {
			continue // HEAD is wherever GET is, see TestHeadIsGetWithoutABody; and files of Swagger UI
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
