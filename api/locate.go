package api

import (
	"fmt"
	"strconv"
	"strings"
)

// locate finds the value at a plain path in a valid JSON document: document[from:to]. Of members with one name the
// last counts. The errors are ErrNotFound, and ErrInvalid for a JSONPath, which only RedisJSON understands.
func locate(document []byte, path Path) (from, to int, err error) {
	if path.Many() {
		return 0, 0, fmt.Errorf("%w: a string has no JSONPath: write a plain path such as a.b[0].name", ErrInvalid)
	}
	from = skipSpace(document, 0)
	to = skipValue(document, from)
	for steps := strings.TrimPrefix(path.String(), "$"); steps != ""; {
		name, index, rest := nextStep(steps)
		steps = rest
		switch {
		case to < 0:
		case name != "" && document[from] == '{':
			from, to = locateMember(document, from, name)
		case name == "" && document[from] == '[':
			from, to = locateElement(document, from, index)
		default:
			to = -1
		}
		if to < 0 {
			return 0, 0, fmt.Errorf("%w: there is nothing at %.100q in the document", ErrNotFound, path)
		}
	}
	return from, to, nil
}

// Locate finds the value at a plain path in a valid JSON document: document[from:to]. Of members with one name the last
// counts. The error is ErrNotFound without a value there, and ErrInvalid for a JSONPath.
func (p Path) Locate(document []byte) (from, to int, err error) { return locate(document, p) }

// nextStep takes the first step off a path as pathParser wrote it: .name, ["name"], ['name'] or [index]. The name is
// returned as a raw JSON string with its quotes, and is empty for an index.
func nextStep(steps string) (name string, index int, rest string) {
	if steps[0] == '.' {
		end := strings.IndexAny(steps[1:], ".[") + 1
		if end == 0 {
			end = len(steps)
		}
		return `"` + steps[1:end] + `"`, 0, steps[end:]
	}
	if steps[1] == '"' {
		end := skipString([]byte(steps), 1)
		return steps[1:end], 0, steps[end+1:]
	}
	if steps[1] == '\'' {
		end := strings.IndexByte(steps[2:], '\'') + 2
		return `"` + steps[2:end] + `"`, 0, steps[end+2:]
	}
	end := strings.IndexByte(steps, ']')
	index, _ = strconv.Atoi(steps[1:end]) // pathParser let through what fits into 64 bits
	return "", index, steps[end+1:]
}

// locateMember finds a member's value in the object at document[i]; to is -1 without one. The quoted name is in the
// form that nextStep returns: \" and \\ are its only escapes.
func locateMember(document []byte, i int, quoted string) (from, to int) {
	name := nameUnescaper.Replace(quoted[1 : len(quoted)-1])
	to = -1
	walkObject(document, i, func(raw []byte, valueFrom, valueTo int) {
		if nameIs(raw, name) {
			from, to = valueFrom, valueTo
		}
	})
	return from, to
}

var nameUnescaper = strings.NewReplacer(`\\`, `\`, `\"`, `"`)

// locateElement finds an element of the array at document[i], counted from the end if index is negative; to is -1
// without one.
func locateElement(document []byte, i, index int) (from, to int) {
	if index < 0 {
		index += walkArray(document, i, func(int, int, int) {})
	}
	to = -1
	walkArray(document, i, func(n, elementFrom, elementTo int) {
		if n == index {
			from, to = elementFrom, elementTo
		}
	})
	return from, to
}

// walkArray shows visit the number and place of every element of the valid array at b[i] == '[' and returns how many
// there are.
func walkArray(b []byte, i int, visit func(n, from, to int)) int {
	i = skipSpace(b, i+1)
	for n := 0; ; n++ {
		if i >= len(b) || b[i] == ']' {
			return n
		}
		end := skipValue(b, i)
		if end < 0 {
			return n
		}
		visit(n, i, end)
		i = skipSpace(b, end)
		if i < len(b) && b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
}

// replaceAt returns a new document with value in place of what is at the path.
func replaceAt(document []byte, path Path, value []byte) ([]byte, error) {
	from, to, err := locate(document, path)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(document)-(to-from)+len(value))
	out = append(out, document[:from]...)
	out = append(out, value...)
	return append(out, document[to:]...), nil
}
