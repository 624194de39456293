package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The functions here read the values of options; their errors say what is wrong
// with the value.

func nothing(*invocation, Setting) error { return nil }

func setFlag(at func(*invocation) *bool) func(*invocation, Setting) error {
	return func(s *invocation, v Setting) error {
		*at(s) = v.On
		return nil
	}
}

func setText(at func(*invocation) *string) func(*invocation, Setting) error {
	return func(s *invocation, v Setting) error {
		*at(s) = v.Values[0]
		return nil
	}
}

func setList(at func(*invocation) *[]string) func(*invocation, Setting) error {
	return func(s *invocation, v Setting) error {
		*at(s) = v.Values
		return nil
	}
}

func setInt(at func(*invocation) *int) func(*invocation, Setting) error {
	return func(s *invocation, v Setting) (err error) {
		*at(s), err = ParseInt(v.Values[0])
		return err
	}
}

func setPort(s *invocation, v Setting) error {
	port, err := ParseInt(v.Values[0])
	if err == nil && (port < 1 || port > 65535) {
		err = fmt.Errorf("%d is no port: it must be between 1 and 65535", port)
	}
	s.MasterPort = port
	return err
}

func setStopTimeout(s *invocation, v Setting) (err error) {
	s.StopTimeout, err = parseTimespan(v.Values[0])
	return err
}

func setDrainTimeout(s *invocation, v Setting) error {
	d, err := parseDelay(v.Values[0])
	s.DrainTimeout = d
	if d == 0 {
		s.DrainTimeout = -1 // none; 0 is the default
	}
	return err
}

func setMasterTimeout(s *invocation, v Setting) error {
	d, err := parseDelay(v.Values[0])
	if err == nil && d == 0 {
		err = errors.New("the master timeout must be above 0")
	}
	s.MasterTimeout = d
	return err
}

// parseDelay reads a time of our own options: as Locust writes times, or as Go
// does.
func parseDelay(text string) (time.Duration, error) {
	if d, err := parseTimespan(text); err == nil {
		return d, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time: write 20, 1.5s, 500ms or 1m30s", text)
	}
	return d, nil
}

func setSeed(s *invocation, v Setting) (err error) {
	if s.Seed, err = strconv.ParseUint(v.Values[0], 10, 64); err != nil {
		return fmt.Errorf("%q is not a whole number from 0 to 2^64-1", v.Values[0])
	}
	return nil
}

func setLogLevel(s *invocation, v Setting) error {
	s.logChosen = true
	switch strings.ToUpper(v.Values[0]) {
	case "DEBUG":
		s.logLevel = slog.LevelDebug
	case "INFO":
		s.logLevel = slog.LevelInfo
	case "WARNING":
		s.logLevel = slog.LevelWarn
	case "ERROR":
		s.logLevel = slog.LevelError
	case "CRITICAL":
		s.logLevel = LevelCritical
	default:
		return fmt.Errorf("there is no log level %q: use DEBUG, INFO, WARNING, ERROR or CRITICAL", v.Values[0])
	}
	return nil
}

func setLogFile(s *invocation, v Setting) error {
	s.logFile, s.logChosen = v.Values[0], s.logChosen || v.Values[0] != ""
	return nil
}

// takeConfigUsers mirrors json_user_config.
func (s *invocation) takeConfigUsers(v Setting) error {
	for _, text := range v.Values {
		data := []byte(text)
		if strings.HasSuffix(text, ".json") {
			var err error
			if data, err = s.readFile(text); err != nil {
				return err
			}
		}
		var objects []map[string]json.RawMessage
		if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
			objects = make([]map[string]json.RawMessage, 1)
		}
		into := any(&objects)
		if len(objects) == 1 {
			into = &objects[0]
		}
		if err := json.Unmarshal(data, into); err != nil {
			return fmt.Errorf("must be JSON objects, arrays of them or .json files: %w", err)
		}
		for _, object := range objects {
			one, odd, err := userSettings(object)
			if err != nil {
				return err
			}
			s.UserSettings = append(s.UserSettings[:len(s.UserSettings):len(s.UserSettings)], one)
			s.odd = append(s.odd, odd...)
		}
	}
	return nil
}

// userSettings reads one object, and names the keys that mean nothing here.
func userSettings(object map[string]json.RawMessage) (s UserSettings, odd []string, err error) {
	host := ""
	for _, key := range slices.Sorted(maps.Keys(object)) {
		raw := object[key]
		switch key {
		case "user_class_name":
			err = json.Unmarshal(raw, &s.Class)
		case "host":
			s.Host = &host
			err = json.Unmarshal(raw, &host) // null is no host
		case "weight":
			err = json.Unmarshal(raw, &s.Weight)
		case "fixed_count":
			err = json.Unmarshal(raw, &s.FixedCount)
		case "tasks":
			err = json.Unmarshal(raw, &s.Tasks)
		default:
			odd = append(odd, key)
		}
		if err != nil {
			return s, nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if s.Class == "" {
		return s, nil, errors.New("each user configuration needs a user_class_name")
	}
	return s, odd, nil
}

// checked takes a value without a meaning that Locust would refuse if check
// does.
func checked(check func(text string) error) func(*invocation, Setting) error {
	return func(_ *invocation, v Setting) error {
		for _, text := range v.Values {
			if err := check(text); err != nil {
				return err
			}
		}
		return nil
	}
}

func setSpawnRate(s *invocation, v Setting) (err error) {
	if err = aboveZero(v.Values[0]); err == nil {
		s.Headless.SpawnRate, err = ParseFloat(v.Values[0])
	}
	return err
}

func setRunTime(s *invocation, v Setting) (err error) {
	s.Headless.RunTime, err = parseTimespan(v.Values[0])
	return err
}

func anyText(string) error { return nil }

func wholeNumber(text string) error {
	_, err := ParseInt(text)
	return err
}

func positive(text string) error {
	n, err := ParseInt(text)
	if err == nil && n < 1 {
		err = fmt.Errorf("%d is not above 0", n)
	}
	return err
}

func aboveZero(text string) error {
	f, err := ParseFloat(text)
	if err == nil && f <= 0 {
		err = fmt.Errorf("%s is not above 0", text)
	}
	return err
}

func setMaxRPS(s *invocation, v Setting) (err error) {
	s.MaxRPS, err = ParseFloat(v.Values[0])
	if err == nil && s.MaxRPS < 0 {
		err = fmt.Errorf("%s is negative; it must be above 0, or 0 for no limit", v.Values[0])
	}
	return err
}
