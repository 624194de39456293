package api

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// mapping is an object of the OpenAPI document. It keeps its order. A value is a string, an int, a bool, a jsonText, a
// mapping or a []any of those.
type mapping []pair

type pair struct {
	key   string
	value any
}

// jsonText is a value as JSON, which is YAML too.
type jsonText string

// yaml writes a mapping as a YAML document.
func (m mapping) yaml() []byte {
	var buf bytes.Buffer
	m.write(&buf, 0)
	return buf.Bytes()
}

func (m mapping) write(buf *bytes.Buffer, depth int) {
	for i, p := range m {
		if i > 0 || depth > 0 && buf.Bytes()[buf.Len()-1] == '\n' {
			indent(buf, depth)
		}
		writeScalar(buf, p.key)
		buf.WriteByte(':')
		writeValue(buf, p.value, depth)
	}
}

// writeValue writes what follows a key or the dash of a list, with the end of the line.
func writeValue(buf *bytes.Buffer, value any, depth int) {
	switch v := value.(type) {
	case mapping:
		if len(v) == 0 {
			buf.WriteString(" {}\n")
			return
		}
		buf.WriteByte('\n')
		v.write(buf, depth+1)
	case []any:
		if len(v) == 0 {
			buf.WriteString(" []\n")
			return
		}
		buf.WriteByte('\n')
		for _, element := range v {
			indent(buf, depth+1)
			buf.WriteByte('-')
			if m, isMapping := element.(mapping); isMapping && len(m) > 0 {
				buf.WriteByte(' ')
				m.write(buf, depth+2)
				continue
			}
			writeValue(buf, element, depth+1)
		}
	case string:
		buf.WriteByte(' ')
		writeScalar(buf, v)
		buf.WriteByte('\n')
	case int:
		buf.WriteString(" " + strconv.Itoa(v) + "\n")
	case bool:
		buf.WriteString(" " + strconv.FormatBool(v) + "\n")
	case jsonText:
		buf.WriteString(" " + string(v) + "\n")
	default:
		panic(fmt.Sprintf("api: no YAML for %T", value)) // see mapping
	}
}

func indent(buf *bytes.Buffer, depth int) { buf.WriteString(strings.Repeat("  ", depth)) }

// Texts that YAML takes for a string without quotes. plainWord is narrower than YAML itself.
var (
	plainWord  = regexp.MustCompile(`^[A-Za-z$][A-Za-z0-9_$./()'-]*( [A-Za-z0-9_$./()',;=-]+)*$`)
	otherTypes = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off|y|n)$`)
)

func writeScalar(buf *bytes.Buffer, text string) {
	if plainWord.MatchString(text) && !otherTypes.MatchString(text) {
		buf.WriteString(text)
		return
	}
	appendQuoted(buf, text)
}

// json writes a schema as one line of JSON, for the pages.
func (m mapping) json() string {
	var buf bytes.Buffer
	writeJSON(&buf, m)
	return buf.String()
}

func writeJSON(buf *bytes.Buffer, value any) {
	switch v := value.(type) {
	case mapping:
		buf.WriteByte('{')
		for i, p := range v {
			if i > 0 {
				buf.WriteString(", ")
			}
			appendQuoted(buf, p.key)
			buf.WriteString(": ")
			writeJSON(buf, p.value)
		}
		buf.WriteByte('}')
	case []any:
		buf.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				buf.WriteString(", ")
			}
			writeJSON(buf, element)
		}
		buf.WriteByte(']')
	case string:
		appendQuoted(buf, v)
	default:
		fmt.Fprint(buf, v)
	}
}
