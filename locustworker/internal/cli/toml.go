package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// parseTOML returns what the table [tool.locust] of a TOML file holds: texts,
// numbers, booleans and lists of them (LocustTomlConfigParser).
func parseTOML(text string) ([]entry, error) {
	var document map[string]any
	if err := toml.Unmarshal([]byte(text), &document); err != nil {
		return nil, tomlError(text, err)
	}
	tool, _ := document["tool"].(map[string]any)
	locust, _ := tool["locust"].(map[string]any)
	entries := make([]entry, 0, len(locust))
	for key, value := range locust {
		if list, ok := value.([]any); ok {
			e := entry{key: key, values: make([]string, 0, len(list)), list: true}
			for _, element := range list {
				e.values = append(e.values, elementText(tomlNumber(element)))
			}
			entries = append(entries, e)
			continue
		}
		entries = append(entries, entry{key: key, values: []string{elementText(tomlNumber(value))}})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return entries, nil
}

// tomlNumber makes a whole number one that elementText knows.
func tomlNumber(value any) any {
	if n, ok := value.(int64); ok {
		return json.Number(strconv.FormatInt(n, 10))
	}
	return value
}

// tomlError names the line of a fault, and shows it.
func tomlError(text string, err error) error {
	var fault *toml.DecodeError
	if !errors.As(err, &fault) {
		return err
	}
	row, _ := fault.Position()
	line := ""
	if lines := strings.Split(text, "\n"); row >= 1 && row <= len(lines) {
		line = lines[row-1]
	}
	return fmt.Errorf("line %d: %s: %s", row, strings.TrimPrefix(fault.Error(), "toml: "), strings.TrimSpace(line))
}
