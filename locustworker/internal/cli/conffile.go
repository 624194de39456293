package cli

import (
	"fmt"
	"strings"
)

// parseConf reads a file of lines `key = value`, `key: value`, `key value` or
// `key`, a flag that is set (DefaultConfigFileParser of ConfigArgParse). A value
// may be quoted, or a list in brackets; lines that begin with # ; [ or --- say
// nothing, nor does what follows a value after a blank and # or ;.
func parseConf(text string) ([]entry, error) {
	var entries []entry
	number := 0
	for raw := range strings.SplitSeq(text, "\n") {
		number++
		line := strings.TrimFunc(raw, isSpace)
		if line == "" || strings.ContainsRune("#;[", rune(line[0])) || strings.HasPrefix(line, "---") {
			continue
		}
		e, ok := parseConfLine(line)
		if !ok {
			return nil, fmt.Errorf("line %d is not of the form key = value: %s", number, line)
		}
		if list, ok := parseList(e.values[0]); ok {
			e.values, e.list = list, true
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// parseConfLine reads a line that holds something and has no blanks around it.
func parseConfLine(line string) (entry, bool) {
	end := strings.IndexFunc(line, func(r rune) bool { return strings.ContainsRune(":=;#", r) || isSpace(r) })
	if end == 0 {
		return entry{}, false
	}
	if end < 0 {
		return entry{key: line, values: []string{"true"}}, true
	}
	key, rest := line[:end], line[end:]
	if rest[0] == ';' || rest[0] == '#' {
		return entry{}, false
	}
	// Between key and value stands : or = with blanks around it, or blanks.
	separator := ' '
	value := strings.TrimLeftFunc(rest, isSpace)
	if value != "" && (value[0] == ':' || value[0] == '=') {
		separator = rune(value[0])
		value = strings.TrimLeftFunc(value[1:], isSpace)
	} else if before := []rune(strings.TrimSuffix(rest, value)); len(before) > 0 {
		separator = before[len(before)-1]
	}
	text, present := confValue(value)
	if !present && separator == ' ' {
		text = "true"
	}
	return entry{key: key, values: []string{text}}, true
}

// confValue cuts quotes and a comment off. present is false for nothing and for
// empty quotes.
func confValue(text string) (value string, present bool) {
	if text == "" {
		return "", false
	}
	if quote := text[0]; quote == '"' || quote == '\'' {
		for i := 2; i < len(text); i++ {
			if text[i] == quote && onlyComment(text[i+1:]) {
				return text[1:i], true
			}
		}
		if len(text) > 1 && text[1] == quote && onlyComment(text[2:]) {
			return "", false
		}
	}
	for i := range text {
		if i > 0 && onlyComment(text[i:]) {
			return text[:i], true
		}
	}
	return text, true
}

// onlyComment reports whether a text is blank, or blanks and then a comment.
func onlyComment(text string) bool {
	rest := strings.TrimLeftFunc(text, isSpace)
	return rest == "" || len(rest) < len(text) && (rest[0] == '#' || rest[0] == ';')
}
