package api

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"
)

// The pages are complete in themselves: they load nothing from anywhere.
//
//go:embed pages/*.html
var pageFiles embed.FS

// pages is what the service says about itself. It is written once, from the routes.
type pages struct {
	openAPI  []byte
	start    []byte
	docs     []byte
	examples []pageExample
}

// pageGroup, pageRoute and pageExample are what the templates are given.
type pageGroup struct {
	Name   string
	Routes []pageRoute
}

type pageRoute struct {
	ID, Method, Path, Summary, Text string

	Params  []pageParam
	Body    string // schema
	Media   string
	Reply   string // schema, empty for no JSON
	Fails   []pageFailure
	Example *pageExample
}

type pageParam struct {
	Name, In, Text, Schema string
}

type pageFailure struct {
	Status int
	Text   string
}

type pageExample struct {
	Summary, Method, Target, Body string
}

func newPages(routes []route) (pages, error) {
	p := pages{openAPI: openAPI(routes).yaml()}
	var groups []pageGroup
	for _, r := range routes {
		if len(groups) == 0 || groups[len(groups)-1].Name != r.group {
			groups = append(groups, pageGroup{Name: r.group})
		}
		last := &groups[len(groups)-1]
		last.Routes = append(last.Routes, r.page())
		if r.example != nil {
			p.examples = append(p.examples, pageExample{r.summary, r.method, r.example.target, r.example.body})
		}
	}
	parsed, err := template.ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return p, fmt.Errorf("api: pages: %w", err)
	}
	for name, page := range map[string]*[]byte{"start": &p.start, "docs": &p.docs} {
		var buf bytes.Buffer
		if err := parsed.ExecuteTemplate(&buf, name, groups); err != nil {
			return p, fmt.Errorf("api: page %s: %w", name, err)
		}
		*page = buf.Bytes()
	}
	return p, nil
}

func (r route) page() pageRoute {
	p := pageRoute{ID: r.id, Method: r.method, Path: r.template(), Summary: r.summary, Text: r.text, Media: r.as}
	for _, param := range r.params {
		p.Params = append(p.Params, pageParam{param.name, param.in, param.text, param.schema.json()})
	}
	if r.body != nil {
		p.Body = r.body.json()
	}
	if r.reply != nil {
		p.Media, p.Reply = "application/json", r.reply.json()
	}
	for _, status := range r.statuses() {
		p.Fails = append(p.Fails, pageFailure{status, failureTexts[status]})
	}
	if r.example != nil {
		p.Example = &pageExample{r.summary, r.method, r.example.target, r.example.body}
	}
	return p
}

func (s *Server) getOpenAPI(c *gin.Context) { s.replyPage(c, "application/yaml", s.pages.openAPI) }

func (s *Server) getStart(c *gin.Context) {
	s.replyPage(c, "text/html; charset=utf-8", s.pages.start)
}

func (s *Server) getDocs(c *gin.Context) { s.replyPage(c, "text/html; charset=utf-8", s.pages.docs) }

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
	header := c.Writer.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:")
	c.Data(http.StatusOK, media, page)
}
