package api

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// route is one line of the contract: who asks for the method and the path gets the handler's value or error.
type route struct {
	method string
	path   string
	handle handler
}

// handler answers a request with the JSON value of its reply, or with an error that wraps one of the sentinels.
type handler func(c *gin.Context) (result, error)

func (s *Server) routes() []route {
	return []route{
		{http.MethodGet, "/api/v1/keys", s.getKeys},
		{http.MethodGet, "/api/v1/doc/:id", s.getDocument},
		{http.MethodGet, "/api/v1/subdoc/:id/:field", s.getSubdocument},
		{http.MethodGet, "/api/v1/fields/:id", s.getFields},
		{http.MethodPost, "/api/v1/redisjson", s.postDocument},
		{http.MethodPut, "/api/v1/redisjson/update", s.putUpdate},
		{http.MethodPut, "/api/v1/redisjson/append", s.putAppend},
		{http.MethodPut, "/api/v1/redisjson/appendarray", s.putAppendArray},
		{http.MethodPut, "/api/v1/redisjson/increby", s.putIncrBy},
		{http.MethodPut, "/api/v1/redisjson/multiby", s.putMultBy},
		{http.MethodDelete, "/api/v1/redisjson/delete/:id", s.deleteDocument},

		{http.MethodPost, "/api/v1/string", s.postString},
		{http.MethodGet, "/api/v1/string/:id", s.getString},
		{http.MethodGet, "/api/v1/string/:id/:field", s.getStringField},
		{http.MethodPut, "/api/v1/string/update", s.putString},

		{http.MethodPost, "/api/v1/hash", s.postHash},
		{http.MethodGet, "/api/v1/hash/:id", s.getHash},
		{http.MethodGet, "/api/v1/hash/:id/:field", s.getHashField},
		{http.MethodPut, "/api/v1/hash/update", s.putHash},

		{http.MethodGet, "/healthz", s.getHealth},
		{http.MethodGet, "/readyz", s.getReady},
	}
}

func (s *Server) newEngine() *gin.Engine {
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	// Ids and fields may hold slashes and percent signs: match the path as it was sent. pathValue unescapes, because
	// gin would take a + for a space.
	e.UseRawPath = true
	e.UnescapePathValues = false

	e.Use(s.count, s.recover)
	for _, r := range s.routes() {
		e.Handle(r.method, r.path, s.answer(r.handle))
	}
	e.GET("/metrics", gin.WrapH(s.metrics.handler()))
	e.NoRoute(func(c *gin.Context) {
		s.replyError(c, http.StatusNotFound, "no such route: "+c.Request.URL.Path)
	})
	e.NoMethod(func(c *gin.Context) {
		s.replyError(c, http.StatusMethodNotAllowed,
			"method not allowed: "+c.Request.Method+"; this route has "+c.Writer.Header().Get("Allow"))
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
