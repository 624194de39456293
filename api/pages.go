package api

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5emb"
)

// docsPath is where Swagger UI is, with its files below.
const docsPath = "/docs"

// The pages are complete in themselves: they load nothing from anywhere.
//
//go:embed pages/*.html
var pageFiles embed.FS

// pages is what the service says about itself. It is made once, from the routes.
type pages struct {
	openAPI  func() ([]byte, error) // made when it is first asked for, because that takes as long as all else at the start
	start    []byte
	docs     http.Handler // Swagger UI and its files
	examples []pageExample
}

// pageGroup and pageExample are what the template is given.
type pageGroup struct {
	Name     string
	Examples []pageExample
}

type pageExample struct {
	Summary, Method, Target, Body string
}

func newPages(routes []route) (pages, error) {
	p := pages{
		docs:    v5emb.New("Bandwing API", "/openapi.yaml", docsPath),
		openAPI: sync.OnceValues(func() ([]byte, error) { return documentYAML(openAPI(routes)) }),
	}
	var groups []pageGroup
	for _, r := range routes {
		if r.example == nil {
			continue
		}
		if len(groups) == 0 || groups[len(groups)-1].Name != r.group {
			groups = append(groups, pageGroup{Name: r.group})
		}
		e := pageExample{r.summary, r.method, r.example.target, r.example.body}
		groups[len(groups)-1].Examples = append(groups[len(groups)-1].Examples, e)
		p.examples = append(p.examples, e)
	}
	parsed, err := template.ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return p, fmt.Errorf("api: pages: %w", err)
	}
	var buf bytes.Buffer
	if err := parsed.ExecuteTemplate(&buf, "start", groups); err != nil {
		return p, fmt.Errorf("api: start page: %w", err)
	}
	p.start = buf.Bytes()
	return p, nil
}

func (s *Server) getOpenAPI(c *gin.Context) {
	document, err := s.pages.openAPI()
	if err != nil {
		s.fail(c, err)
		return
	}
	s.replyPage(c, "application/yaml", document)
}

func (s *Server) getStart(c *gin.Context) {
	s.replyPage(c, "text/html; charset=utf-8", s.pages.start)
}

func (s *Server) getDocs(c *gin.Context) {
	pageHeaders(c.Writer.Header())
	s.pages.docs.ServeHTTP(c.Writer, c.Request)
}

// getExamples writes the lines for the host that was asked.
func (s *Server) getExamples(c *gin.Context) {
	var buf bytes.Buffer
	buf.WriteString("# Paste these into a shell, in this order.\n")
	for _, e := range s.pages.examples {
		fmt.Fprintf(&buf, "\n# %s\n%s\n", e.Summary, e.curl("http://"+hostOf(c.Request)))
	}
	s.replyPage(c, "text/plain; charset=utf-8", buf.Bytes())
}

// curl is the line for a shell. Targets and bodies have no single quotes.
func (e pageExample) curl(base string) string {
	words := []string{"curl -sS"}
	if e.Method != http.MethodGet {
		words = append(words, "-X "+e.Method)
	}
	if e.Body != "" {
		words = append(words, "-H 'Content-Type: application/json' -d '"+e.Body+"'")
	}
	return strings.Join(append(words, "'"+base+e.Target+"'"), " ")
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]+$`)

// hostOf is the Host that was asked for, unless it is something that a shell should not get to see.
func hostOf(r *http.Request) string {
	if plainHost.MatchString(r.Host) {
		return r.Host
	}
	return "localhost:5000"
}

// replyPage sends what is no JSON.
func (s *Server) replyPage(c *gin.Context, media string, page []byte) {
	pageHeaders(c.Writer.Header())
	c.Data(http.StatusOK, media, page)
}

// pageHeaders allow a page what it has itself, and this service.
func pageHeaders(header http.Header) {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'; "+
		"script-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:")
}
