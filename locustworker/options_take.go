package locustworker

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

	"github.com/bandwing/bandwing/locustworker/internal/cmdline"
)

// The functions here read the values of options; their errors say what is wrong
// with the value.

func nothing(*settings, cmdline.Setting) error { return nil }

func setFlag(at func(*settings) *bool) func(*settings, cmdline.Setting) error {
	return func(s *settings, v cmdline.Setting) error {
		*at(s) = v.On
		return nil
	}
}

func setText(at func(*settings) *string) func(*settings, cmdline.Setting) error {
	return func(s *settings, v cmdline.Setting) error {
		*at(s) = v.Values[0]
		return nil
	}
}

func setList(at func(*settings) *[]string) func(*settings, cmdline.Setting) error {
	return func(s *settings, v cmdline.Setting) error {
		*at(s) = v.Values
		return nil
	}
}

func setInt(at func(*settings) *int) func(*settings, cmdline.Setting) error {
	return func(s *settings, v cmdline.Setting) (err error) {
		*at(s), err = cmdline.ParseInt(v.Values[0])
		return err
	}
}

func setPort(s *settings, v cmdline.Setting) error {
	port, err := cmdline.ParseInt(v.Values[0])
	if err == nil && (port < 1 || port > 65535) {
		err = fmt.Errorf("%d is no port: it must be between 1 and 65535", port)
	}
	s.config.MasterPort = port
	return err
}

func setStopTimeout(s *settings, v cmdline.Setting) (err error) {
	s.config.StopTimeout, err = parseTimespan(v.Values[0])
	return err
}

func setDrainTimeout(s *settings, v cmdline.Setting) error {
	d, err := parseDelay(v.Values[0])
	s.config.DrainTimeout = d
	if d == 0 {
		s.config.DrainTimeout = -1 // none; 0 is the default
	}
	return err
}

func setMasterTimeout(s *settings, v cmdline.Setting) error {
	d, err := parseDelay(v.Values[0])
	if err == nil && d == 0 {
		err = errors.New("the master timeout must be above 0")
	}
	s.config.MasterTimeout = d
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

func setSeed(s *settings, v cmdline.Setting) (err error) {
	if s.config.Seed, err = strconv.ParseUint(v.Values[0], 10, 64); err != nil {
		return fmt.Errorf("%q is not a whole number from 0 to 2^64-1", v.Values[0])
	}
	return nil
}

func setLogLevel(s *settings, v cmdline.Setting) error {
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
		s.logLevel = levelCritical
	default:
		return fmt.Errorf("there is no log level %q: use DEBUG, INFO, WARNING, ERROR or CRITICAL", v.Values[0])
	}
	return nil
}

func setLogFile(s *settings, v cmdline.Setting) error {
	s.logFile, s.logChosen = v.Values[0], s.logChosen || v.Values[0] != ""
	return nil
}

// takeConfigUsers mirrors json_user_config.
func (s *settings) takeConfigUsers(v cmdline.Setting) error {
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
			s.config.UserSettings = append(s.config.UserSettings[:len(s.config.UserSettings):len(s.config.UserSettings)], one)
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
func checked(check func(text string) error) func(*settings, cmdline.Setting) error {
	return func(_ *settings, v cmdline.Setting) error {
		for _, text := range v.Values {
			if err := check(text); err != nil {
				return err
			}
		}
		return nil
	}
}

func anyText(string) error { return nil }

func wholeNumber(text string) error {
	_, err := cmdline.ParseInt(text)
	return err
}

func positive(text string) error {
	n, err := cmdline.ParseInt(text)
	if err == nil && n < 1 {
		err = fmt.Errorf("%d is not above 0", n)
	}
	return err
}

func aboveZero(text string) error {
	f, err := cmdline.ParseFloat(text)
	if err == nil && f <= 0 {
		err = fmt.Errorf("%s is not above 0", text)
	}
	return err
}

func timeSpan(text string) error {
	_, err := parseTimespan(text)
	return err
}
