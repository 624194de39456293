package loadtest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// An Environment is the variables of the scenario but those of single weights, as
// texts; an empty one counts as not set. The tags are for envconfig.Process,
// which a program calls; values stay texts because that ends at the first that it
// cannot parse, and Config names all faults at once. The tag usual shows what
// counts without the variable.
type Environment struct {
	APIEndpoint     string `envconfig:"API_ENDPOINT" desc:"base URL of the service, where no host is set in the web UI or with --host; as a custom argument it wins over that host"`
	AppEndpoint     string `envconfig:"APP_ENDPOINT" desc:"where the master and locustworker data reach the service; default: the host of the run, API_ENDPOINT"`
	SampleSize      string `envconfig:"LOAD_GEN_DATA_SAMPLE_SIZE" usual:"150" desc:"keys of each kind that the master collects for a run, for all workers together"`
	RequestTimeout  string `envconfig:"LOAD_GEN_REQUEST_TIMEOUT" usual:"20s" desc:"the longest time of a request"`
	MinWait         string `envconfig:"LOAD_GEN_WAIT_MIN" usual:"50ms" desc:"the shortest pause of a user between two tasks"`
	MaxWait         string `envconfig:"LOAD_GEN_WAIT_MAX" usual:"200ms" desc:"the longest pause of a user between two tasks"`
	DocumentSize    string `envconfig:"LOAD_GEN_DOCUMENT_SIZE" usual:"13KB" desc:"size of the static document: 13KB or 2MB"`
	RandomDocuments string `envconfig:"LOAD_GEN_RANDOM_DOCUMENTS" usual:"10000" desc:"keys of each kind of random user that are written in turn"`
	StaticDocuments string `envconfig:"LOAD_GEN_STATIC_DOCUMENTS" usual:"200" desc:"keys of each kind of static document that are written in turn; 10 with 2MB"`
	RedisURL        string `envconfig:"LOAD_GEN_REDIS_URL" usual:"redis://127.0.0.1:6379" desc:"where the Direct* classes find Redis, such as rediss://user:password@host:6380/0; several addresses, with commas, are a cluster's"`
	PipelineDepth   string `envconfig:"LOAD_GEN_REDIS_PIPELINE" usual:"1" desc:"commands that the Direct* classes send in one pipeline"`
	Seed            string `envconfig:"LOAD_GEN_SEED" desc:"seed of what users do, a whole number above 0; each run differs without it"`
	Weights         string `envconfig:"LOAD_GEN_WEIGHTS" desc:"weights in one text, such as JSONGet=2 JSONGet.get_json=5"`
}

// setters are how each variable of Environment changes a configuration.
func setters() map[string]func(c *Config, value string) error {
	return map[string]func(c *Config, value string) error{
		"API_ENDPOINT":              setURL(func(c *Config) *string { return &c.APIEndpoint }),
		"APP_ENDPOINT":              setURL(func(c *Config) *string { return &c.AppEndpoint }),
		"LOAD_GEN_DATA_SAMPLE_SIZE": setCount(func(c *Config) *int { return &c.SampleSize }),
		"LOAD_GEN_REQUEST_TIMEOUT":  setTimeout,
		"LOAD_GEN_WAIT_MIN":         setWait(func(c *Config) *time.Duration { return &c.MinWait }),
		"LOAD_GEN_WAIT_MAX":         setWait(func(c *Config) *time.Duration { return &c.MaxWait }),
		"LOAD_GEN_DOCUMENT_SIZE":    setDocumentSize,
		"LOAD_GEN_RANDOM_DOCUMENTS": setCount(func(c *Config) *int { return &c.RandomDocuments }),
		"LOAD_GEN_STATIC_DOCUMENTS": setCount(func(c *Config) *int { return &c.StaticDocuments }),
		"LOAD_GEN_REDIS_URL":        setRedisURL,
		"LOAD_GEN_REDIS_PIPELINE":   setCount(func(c *Config) *int { return &c.PipelineDepth }),
		"LOAD_GEN_SEED":             setSeed,
		"LOAD_GEN_WEIGHTS":          setWeights,
	}
}

// A Setting is a variable of Environment.
type Setting struct {
	// Name is the variable's. In lower case it is that of the custom argument in the
	// web UI, which wins.
	Name string
	// Default is what counts without it; "" for nothing.
	Default string
	// Text says what it sets.
	Text string
}

// Settings returns all settings but the variables of single weights, which
// WeightVariables lists.
func Settings() []Setting {
	var all []Setting
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Environment]()) {
		tag := field.Tag
		all = append(all, Setting{tag.Get("envconfig"), tag.Get("usual"), tag.Get("desc")})
	}
	return all
}

// values returns the texts by the variables' names.
func (e Environment) values() map[string]string {
	all := map[string]string{}
	for i, s := range Settings() {
		all[s.Name] = reflect.ValueOf(e).Field(i).String()
	}
	return all
}

// Config returns the configuration that the variables make. lookup returns
// variables of single weights (see WeightVariables): os.LookupEnv in a program.
// The error names every variable that has a fault, and wraps ErrConfig.
func (e Environment) Config(lookup func(name string) (string, bool)) (Config, error) {
	own := e.values()
	c, err := Config{}.with(func(name string) (string, bool) {
		if value, ok := own[name]; ok {
			return value, true
		}
		return lookup(name)
	})
	if err == nil {
		err = c.Validate()
	}
	return c, err
}

// WeightVariables returns the names of the variables of single weights by what
// they weigh: a class or "<class>.<task>".
func WeightVariables() map[string]string {
	all := map[string]string{}
	for _, s := range sets() {
		all[s.name] = "LOAD_GEN_WEIGHT_" + strings.ToUpper(s.name)
		for _, t := range s.tasks {
			all[s.name+"."+t.name] = all[s.name] + "_" + strings.ToUpper(t.name)
		}
	}
	return all
}

// with returns the configuration with the settings that lookup has. Those that
// have a fault change nothing.
func (c Config) with(lookup func(name string) (string, bool)) (Config, error) {
	c = c.clone()
	var faults []error
	take := func(name string, set func(*Config, string) error) {
		value, _ := lookup(name)
		if value = strings.TrimSpace(value); value == "" {
			return
		}
		if err := set(&c, value); err != nil {
			faults = append(faults, fmt.Errorf("%s=%.60s: %w", name, locustworker.HidePasswords(value), err))
		}
	}
	for name, set := range setters() {
		take(name, set)
	}
	for what, name := range WeightVariables() {
		take(name, func(c *Config, value string) error { return setWeight(c, what, value) })
	}
	if len(faults) == 0 {
		return c, nil
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return c, fmt.Errorf("%w: %w", ErrConfig, errors.Join(faults...))
}

var urlForm = regexp.MustCompile(`^https?://[^\s<>"']+$`)

func setURL(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		if !urlForm.MatchString(value) {
			return errors.New("it must be a base URL such as http://127.0.0.1:5000")
		}
		*at(c) = value
		return nil
	}
}

var redisURLForm = regexp.MustCompile(`^(rediss?://)?[^\s<>"'/]+(/[0-9]+)?$`)

func setRedisURL(c *Config, value string) error {
	if !redisURLForm.MatchString(value) {
		return errors.New("it must be like redis://127.0.0.1:6379/0, rediss://user:password@host:6380 or host:port,host:port")
	}
	c.RedisURL = value
	return nil
}

func setDocumentSize(c *Config, value string) error {
	c.DocumentSize = value // Validate knows the sizes
	return nil
}

func setCount(at func(*Config) *int) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return errors.New("it must be a whole number above 0")
		}
		*at(c) = n
		return nil
	}
}

func setSeed(c *Config, value string) error {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n == 0 {
		return errors.New("it must be a whole number above 0")
	}
	c.Seed = n
	return nil
}

var durationForm = regexp.MustCompile(`^(\d+(?:\.\d+)?)(ms|s|m)?$`)

// parseDuration reads a time as locustfile.py does: seconds, or with a unit.
func parseDuration(text string) (time.Duration, error) {
	parts := durationForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, errors.New("it must be a time such as 20, 1.5s, 50ms or 1m")
	}
	unit := map[string]float64{"ms": 1e6, "s": 1e9, "": 1e9, "m": 60e9}[parts[2]]
	n, err := strconv.ParseFloat(parts[1], 64)
	if err != nil || n*unit > float64(24*time.Hour) {
		return 0, errors.New("it must be a time of a day at most")
	}
	return time.Duration(n * unit), nil
}

func setTimeout(c *Config, value string) error {
	d, err := parseDuration(value)
	if err == nil && d == 0 {
		err = errors.New("it must be above 0")
	}
	if err == nil {
		c.RequestTimeout = d
	}
	return err
}

// setWait sets a bound of the wait; the other one keeps its default.
func setWait(at func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, value string) error {
		d, err := parseDuration(value)
		if err != nil {
			return err
		}
		if c.MinWait == 0 && c.MaxWait == 0 {
			c.MinWait, c.MaxWait = defaultMinWait, defaultMaxWait
		}
		if d == 0 {
			d = -1 // none; 0 would be the default
		}
		*at(c) = d
		return nil
	}
}

// setWeights reads weights as JSONGet=2, JSONGet.get_json=5.
func setWeights(c *Config, value string) error {
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
		name, weight, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("%.40q is no <class>=<weight> or <class>.<task>=<weight>", part)
		}
		if _, ok := WeightVariables()[name]; !ok {
			return fmt.Errorf("there is no class or <class>.<task> %.60q", name)
		}
		if err := setWeight(c, name, weight); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
	}
	return nil
}

func setWeight(c *Config, name, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > 10_000 {
		return errors.New("a weight is a whole number from 0 to 10000")
	}
	c.Weights[name] = n
	return nil
}

// ParseFile reads a file of lines NAME=VALUE, such as local_conf/app.conf. Empty
// lines and those that begin with # count for nothing; quotes around a value are
// dropped. The error names the line that is none of these.
func ParseFile(text string) (map[string]string, error) {
	values := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("%w: line %d must be NAME=VALUE", ErrConfig, i+1)
		}
		value = strings.TrimSpace(value)
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		values[name] = value
	}
	return values, nil
}

// confVariable names the file of settings, and confFile is its name without.
const (
	confVariable = "LOAD_GEN_CONF"
	confFile     = "local_conf/app.conf"
)

// FileSettings returns the settings that the file has and the environment does
// not. The file is the one that LOAD_GEN_CONF names in the environment, or
// local_conf/app.conf in the working directory if there is one; names that are no
// settings of the scenario are left out. The arguments are os.LookupEnv and
// os.ReadFile in a program, which sets the result in its environment for
// envconfig. The error is about the file, and wraps ErrConfig.
func FileSettings(lookupEnv func(string) (string, bool), readFile func(string) ([]byte, error)) (map[string]string, error) {
	name, named := lookupEnv(confVariable)
	if name == "" {
		name, named = confFile, false
	}
	text, err := readFile(name)
	if err != nil {
		if !named && errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, fmt.Errorf("%w: %s: %w", ErrConfig, confVariable, err)
	}
	values, err := ParseFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	known := setters()
	weights := slices.Collect(maps.Values(WeightVariables()))
	maps.DeleteFunc(values, func(name, _ string) bool {
		value, _ := lookupEnv(name)
		return value != "" || known[name] == nil && !slices.Contains(weights, name)
	})
	return values, nil
}
