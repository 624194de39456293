package api

import (
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"
)

// handler answers a request with the JSON value of its reply, or with an error that wraps one of the sentinels.
type handler func(c *gin.Context) (result, error)

// routes are all routes, in an order in which their examples work.
func (s *Server) routes() []route {
	return slices.Concat(s.documentRoutes(), s.changeRoutes(), s.stringRoutes(), s.hashRoutes(), s.serviceRoutes())
}

const (
	groupJSON    = "JSON documents"
	groupStrings = "Strings"
	groupHashes  = "Hashes"
	groupService = "Service"
)

func idParam(example string) param {
	return param{"id", "path", "The key in Redis, escaped for URLs.", textOf(""), example}
}

func fieldParam(example string) param {
	return param{"field", "path", "A plain path such as age or a.b[0].name, or a JSONPath.", pathSchema(), example}
}

func pathParam() param {
	return param{"path", "query", "A plain path or a JSONPath; the whole document if it is left out.", pathSchema(), "address"}
}

// pathSchema is looser than ParsePath, which no regular expression of a bearable length describes.
func pathSchema() *openapi3.Schema {
	return textOf("A plain path such as age or a.b[0].name, or a JSONPath that begins with $.").WithMaxLength(MaxPathLen)
}

func (s *Server) documentRoutes() []route {
	document := anyValue("The document, or the value at the path; for a JSONPath an array of all matches.")
	return []route{
		{
			method: http.MethodPost, path: "/api/v1/redisjson", handle: s.answer(s.postDocument),
			id: "postDocument", group: groupJSON, summary: "Store a document (JSON.SET)",
			text: "The key is the document's id, if that is a string, else a new redisJSON:<uuid>. A document that the key had is replaced.",
			body: anyValue("Any JSON value. Of members with one name the last counts."), reply: replyWithKey(anyValue("The document as it was sent.")),
			fails:   []int{http.StatusConflict},
			example: &example{"/api/v1/redisjson", `{"id":"example:ada","name":"Ada","age":36,"tags":["math"],"address":{"city":"London"}}`},
		},
		{
			method: http.MethodGet, path: "/api/v1/keys", handle: s.answer(s.getKeys),
			id: "getKeys", group: groupJSON, summary: "List keys (SCAN)", text: "Keys of every Redis type, in no order.",
			params: []param{
				{"pattern", "query", "What the keys begin with; it stands for itself, * too.", stringOf("").WithDefault(defaultPrefix), "example:"},
				{
					"limit", "query", "The most keys to return.",
					typed("", openapi3.TypeInteger).WithMin(1).WithMax(maxLimit).WithDefault(defaultLimit), 5,
				},
			},
			reply:   replyOf(arrayOf(stringOf("A key."))),
			example: &example{"/api/v1/keys?pattern=example:&limit=5", ""},
		},
		{
			method: http.MethodGet, path: "/api/v1/doc/:id", handle: s.answer(s.getDocument),
			id: "getDocument", group: groupJSON, summary: "Read a document (JSON.GET)",
			params: []param{idParam("example:ada")}, reply: replyOf(document),
			fails:   []int{http.StatusNotFound, http.StatusConflict},
			example: &example{"/api/v1/doc/example:ada", ""},
		},
		{
			method: http.MethodGet, path: "/api/v1/subdoc/:id/:field", handle: s.answer(s.getSubdocument),
			id: "getSubdocument", group: groupJSON, summary: "Read what is at a path (JSON.GET)",
			params: []param{idParam("example:ada"), fieldParam("address.city")}, reply: replyOf(document),
			fails:   []int{http.StatusNotFound, http.StatusConflict},
			example: &example{"/api/v1/subdoc/example:ada/address.city", ""},
		},
		{
			method: http.MethodGet, path: "/api/v1/fields/:id", handle: s.answer(s.getFields),
			id: "getFields", group: groupJSON, summary: "List the field names of an object (JSON.OBJKEYS)",
			text:   "For a JSONPath an array with one element a match, null for a match that is no object.",
			params: []param{idParam("example:ada"), pathParam()},
			reply: replyOf(arrayOf(typed("A name; for a JSONPath the names in a match.", "string", "array", "null").
				WithItems(stringOf("A name.")))),
			fails:   []int{http.StatusNotFound, http.StatusConflict},
			example: &example{"/api/v1/fields/example:ada?path=address", ""},
		},
	}
}

// newEngine routes the table, and what is in no line of it.
func (s *Server) newEngine(routes []route) *gin.Engine {
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	// Ids and fields may hold slashes and percent signs: match the path as it was sent. pathValue unescapes, because
	// gin would take a + for a space.
	e.UseRawPath = true
	e.UnescapePathValues = false

	e.Use(s.count, s.recover)
	for _, r := range routes {
		s.metrics.prepare(r)
		e.Handle(r.method, r.path, r.handle)
		if r.method == http.MethodGet {
			e.HEAD(r.path, r.handle) // net/http sends no body
		}
	}
	e.GET(docsPath+"/*file", s.getDocs)
	e.HEAD(docsPath+"/*file", s.getDocs)
	if s.cfg.Profile {
		e.GET("/debug/pprof/*name", profile)
	}
	e.NoRoute(func(c *gin.Context) {
		s.replyError(c, http.StatusNotFound, "no such route: "+c.Request.URL.Path+"; GET /docs lists them")
	})
	e.NoMethod(func(c *gin.Context) {
		header := c.Writer.Header()
		header.Set("Allow", header.Get("Allow")+", "+http.MethodOptions)
		if c.Request.Method == http.MethodOptions {
			c.Status(http.StatusNoContent)
			return
		}
		s.replyError(c, http.StatusMethodNotAllowed,
			"method not allowed: "+c.Request.Method+"; this route has "+header.Get("Allow"))
	})
	return e
}

func (s *Server) answer(handle handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		value, err := handle(c)
		if err != nil {
			s.fail(c, err)
			return
		}
		s.replyOK(c, value)
	}
}
