package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/bandwing/bandwing/locustworker/internal/python"
)

// ParseInt reads a whole number as Python's int() does: blanks around it, a sign
// and single underscores between digits are allowed.
func ParseInt(text string) (int, error) {
	digits := strings.TrimSpace(text)
	if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") ||
		strings.HasPrefix(digits, "+_") || strings.HasPrefix(digits, "-_") {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	n, err := strconv.Atoi(strings.ReplaceAll(digits, "_", ""))
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%q is too large a number", text)
	case err != nil:
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return n, nil
}

// ParseFloat reads a number as Python's float() does, but only a finite one.
func ParseFloat(text string) (float64, error) {
	digits := strings.TrimSpace(text)
	f, err := strconv.ParseFloat(strings.ReplaceAll(digits, "_", ""), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(digits, "xXpP_") {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return f, nil
}

// parseBool reads the value of a flag that is set in the environment or a file.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is none of true, yes, on, 1, false, no, off and 0", text)
}

// parseList reads the list syntax [a, b] of variables and files: JSON, or
// else texts between commas. ok is false when the text is no list.
func parseList(text string) (values []string, ok bool) {
	if len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' {
		return nil, false
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var elements []any
	err := decoder.Decode(&elements)
	if _, more := decoder.Token(); err != nil || !errors.Is(more, io.EOF) {
		for part := range strings.SplitSeq(text[1:len(text)-1], ",") {
			values = append(values, strings.TrimFunc(part, isSpace))
		}
		return values, true
	}
	values = make([]string, 0, len(elements))
	for _, element := range elements {
		values = append(values, elementText(element))
	}
	return values, true
}

// elementText writes an element of a list as Python's str does, but nested ones
// as JSON, so that an option that takes JSON can read them.
func elementText(element any) string {
	switch e := element.(type) {
	case string:
		return e
	case nil:
		return "None"
	case bool:
		return strings.ToUpper(strconv.FormatBool(e)[:1]) + strconv.FormatBool(e)[1:]
	case float64:
		return python.Float(e)
	case json.Number:
		if !strings.ContainsAny(e.String(), ".eE") {
			return e.String()
		}
		f, _ := e.Float64() // too large is infinite, in Python too
		return python.Float(f)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(element); err != nil {
		return fmt.Sprint(element)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// setting makes the setting of an option out of the texts that a variable or a
// file has for it. ok is false when they say nothing.
func (o *Option) setting(source Source, origin string, values []string, isList bool) (s Setting, ok bool, err error) {
	s = Setting{Source: source, Origin: origin, On: true, Values: values}
	switch {
	case o.Refused != "":
		err = errors.New(o.Refused)
	case o.Kind == Final:
		err = errors.New("can be given on the command line only")
	case (o.Kind == List || o.Kind == Each) && !isList && values[0] == "":
		return s, false, nil
	case o.Kind == List && slices.Contains(values, "--"):
		err = errors.New("a list cannot hold --")
	case o.Kind != List && o.Kind != Each && isList:
		err = errors.New("takes one value, not a list")
	case o.Kind == Flag:
		s.On, err = parseBool(values[0])
		s.Values = nil
	}
	if err != nil {
		return s, false, fmt.Errorf("%s: %w", origin, err)
	}
	return s, true, nil
}

// isSpace is Python's str.isspace.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
