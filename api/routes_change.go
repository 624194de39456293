package api

import (
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
)

// changeRoutes are the routes that change what is at a path, or delete it.
func (s *Server) changeRoutes() []route {
	both := []int{http.StatusNotFound, http.StatusConflict}
	whole := replyOf(anyValue("The whole document after the change."))
	key := replyOf(stringOf("The key."))
	number := typed("It is not rounded here.", openapi3.TypeNumber)
	return []route{
		{
			method: http.MethodPut, path: "/api/v1/redisjson/update", handle: s.answer(s.putUpdate),
			id: "updateDocument", group: groupJSON, summary: "Replace what is at a path (JSON.SET XX)",
			body: changeOf(pathSchema(), "str", anyValue("The new value, any JSON.")), reply: key, fails: both,
			example: &example{"/api/v1/redisjson/update", `{"key":"example:ada","field":"address.city","str":"Ockham"}`},
		},
		{
			method: http.MethodPut, path: "/api/v1/redisjson/append", handle: s.answer(s.putAppend),
			id: "appendString", group: groupJSON, summary: "Append to a string (JSON.STRAPPEND)",
			body: changeOf(pathSchema(), "str", stringOf("What is appended.")), reply: whole, fails: both,
			example: &example{"/api/v1/redisjson/append", `{"key":"example:ada","field":"name","str":" Lovelace"}`},
		},
		{
			method: http.MethodPut, path: "/api/v1/redisjson/appendarray", handle: s.answer(s.putAppendArray),
			id: "appendArray", group: groupJSON, summary: "Append to an array (JSON.ARRAPPEND)",
			text: "Each element of arr is appended if it is an array, else arr itself. An empty array is refused.",
			body: changeOf(pathSchema(), "arr", anyValue("The new element, or an array of them.")), reply: whole, fails: both,
			example: &example{"/api/v1/redisjson/appendarray", `{"key":"example:ada","field":"tags","arr":["poetry","engines"]}`},
		},
		{
			method: http.MethodPut, path: "/api/v1/redisjson/increby", handle: s.answer(s.putIncrBy),
			id: "incrementNumber", group: groupJSON, summary: "Add to a number (JSON.NUMINCRBY)",
			body: changeOf(pathSchema(), "num", number), reply: whole, fails: both,
			example: &example{"/api/v1/redisjson/increby", `{"key":"example:ada","field":"age","num":1}`},
		},
		{
			method: http.MethodPut, path: "/api/v1/redisjson/multiby", handle: s.answer(s.putMultBy),
			id: "multiplyNumber", group: groupJSON, summary: "Multiply a number (JSON.NUMMULTBY)",
			body: changeOf(pathSchema(), "num", number), reply: whole, fails: both,
			example: &example{"/api/v1/redisjson/multiby", `{"key":"example:ada","field":"age","num":2}`},
		},
		{
			method: http.MethodDelete, path: "/api/v1/redisjson/delete/:id", handle: s.answer(s.deleteDocument),
			id: "deleteDocument", group: groupJSON, summary: "Delete a document, or what is at a path (JSON.DEL)",
			params: []param{idParam("example:ada"), pathParam()}, reply: key, fails: both,
			example: &example{"/api/v1/redisjson/delete/example:ada?path=tags", ""},
		},
	}
}

func (s *Server) stringRoutes() []route {
	both := []int{http.StatusNotFound, http.StatusConflict}
	stored := stringOf("The stored text: a JSON document in a JSON string.")
	return []route{
		{
			method: http.MethodPost, path: "/api/v1/string", handle: s.answer(s.postString),
			id: "postString", group: groupStrings, summary: "Store a document as text (SET)",
			text: "The key is the document's id, if that is a string, else a new stringJSON:<uuid>. A string that the key had is replaced.",
			body: anyValue("Any JSON value."), reply: replyWithKey(stored), fails: []int{http.StatusConflict},
			example: &example{"/api/v1/string", `{"id":"example:bob","name":"Bob","address":{"city":"Ulm"}}`},
		},
		{
			method: http.MethodGet, path: "/api/v1/string/:id", handle: s.answer(s.getString),
			id: "getString", group: groupStrings, summary: "Read the text (GET)",
			params: []param{idParam("example:bob")}, reply: replyOf(stored), fails: both,
			example: &example{"/api/v1/string/example:bob", ""},
		},
		{
			method: http.MethodGet, path: "/api/v1/string/:id/:field", handle: s.answer(s.getStringField),
			id: "getStringField", group: groupStrings, summary: "Read what is at a path in the text (GET)",
			text:   "The text is read and parsed as a whole. The path is a plain one: a string has no JSONPath.",
			params: []param{idParam("example:bob"), fieldParam("address.city")}, reply: replyOf(anyValue("The value.")), fails: both,
			example: &example{"/api/v1/string/example:bob/address.city", ""},
		},
		{
			method: http.MethodPut, path: "/api/v1/string/update", handle: s.answer(s.putString),
			id: "updateString", group: groupStrings, summary: "Replace what is at a path in the text (GET, SET)",
			text: "The text is rewritten, and a concurrent update is never lost: it starts again when the text has changed meanwhile.",
			body: changeOf(pathSchema(), "str", anyValue("The new value, any JSON.")), reply: replyWithKey(stored), fails: both,
			example: &example{"/api/v1/string/update", `{"key":"example:bob","field":"address.city","str":"Bonn"}`},
		},
	}
}

func (s *Server) hashRoutes() []route {
	both := []int{http.StatusNotFound, http.StatusConflict}
	hash := typed("All fields of the hash. A hash holds texts: numbers, true, false and null are stored as their JSON text.", openapi3.TypeObject).
		WithAdditionalProperties(stringOf("The field's text."))
	flat := typed("A flat value.", "string", "number", "boolean", "null")
	name := textOf("The field's name; it is no path.")
	return []route{
		{
			method: http.MethodPost, path: "/api/v1/hash", handle: s.answer(s.postHash),
			id: "postHash", group: groupHashes, summary: "Store an object as a hash (DEL, HSET)",
			text:  "The key is the object's id, if that is a string, else a new hash:<uuid>. A hash that the key had is replaced.",
			body:  typed("", openapi3.TypeObject).WithMinProperties(1).WithAdditionalProperties(flat),
			reply: replyWithKey(hash), fails: []int{http.StatusConflict},
			example: &example{"/api/v1/hash", `{"id":"example:eve","name":"Eve","age":29}`},
		},
		{
			method: http.MethodGet, path: "/api/v1/hash/:id", handle: s.answer(s.getHash),
			id: "getHash", group: groupHashes, summary: "Read all fields (HGETALL)",
			params: []param{idParam("example:eve")}, reply: replyOf(hash), fails: both,
			example: &example{"/api/v1/hash/example:eve", ""},
		},
		{
			method: http.MethodGet, path: "/api/v1/hash/:id/:field", handle: s.answer(s.getHashField),
			id: "getHashField", group: groupHashes, summary: "Read a field (HGET)",
			params: []param{idParam("example:eve"), {"field", "path", "The field's name, escaped for URLs.", name, "age"}},
			reply:  replyOf(stringOf("The field's text.")), fails: both,
			example: &example{"/api/v1/hash/example:eve/age", ""},
		},
		{
			method: http.MethodPut, path: "/api/v1/hash/update", handle: s.answer(s.putHash),
			id: "updateHash", group: groupHashes, summary: "Set a field that exists (HSET)",
			body: changeOf(name, "str", flat), reply: replyOf(hash), fails: both,
			example: &example{"/api/v1/hash/update", `{"key":"example:eve","field":"age","str":30}`},
		},
	}
}

func (s *Server) serviceRoutes() []route {
	ok := closed(property{"status", statusOK()})
	const html = "text/html"
	return []route{
		{
			method: http.MethodGet, path: "/healthz", handle: s.answer(s.getHealth), offline: true,
			id: "getHealth", group: groupService, summary: "Says that the process serves", reply: ok,
			example: &example{"/healthz", ""},
		},
		{
			method: http.MethodGet, path: "/readyz", handle: s.answer(s.getReady),
			id: "getReady", group: groupService, summary: "Says whether Redis answers and has JSON, and what is wrong if not", reply: ok,
			example: &example{"/readyz", ""},
		},
		{
			method: http.MethodGet, path: "/metrics", handle: s.getMetrics(), offline: true, as: "text/plain",
			id: "getMetrics", group: groupService, summary: "Metrics for Prometheus", example: &example{"/metrics", ""},
		},
		{
			method: http.MethodGet, path: "/openapi.yaml", handle: s.getOpenAPI, offline: true, as: "application/yaml",
			id: "getOpenAPI", group: groupService, summary: "This contract, as OpenAPI 3.1", example: &example{"/openapi.yaml", ""},
		},
		{
			method: http.MethodGet, path: "/", handle: s.getStart, offline: true, as: html,
			id: "getStart", group: groupService, summary: "The start page, with examples to try",
		},
		{
			method: http.MethodGet, path: docsPath, handle: s.getDocs, offline: true, as: html,
			id: "getDocs", group: groupService, summary: "This contract in Swagger UI",
		},
		{
			method: http.MethodGet, path: "/examples", handle: s.getExamples, offline: true, as: "text/plain",
			id: "getExamples", group: groupService, summary: "The examples as lines for curl",
		},
	}
}
