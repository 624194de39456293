package loadtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/bandwing/bandwing/internal/pythontest"
	"github.com/bandwing/bandwing/locustworker"
)

const root = ".."

// twin runs testdata/twin.py on locustfile.py and decodes what it prints.
func twin(t *testing.T, into any, command string, args ...string) {
	t.Helper()
	pythontest.Ask(t, nil, into, "testdata/twin.py", append([]string{command, filepath.Join(root, "locustfile.py")}, args...)...)
}

func TestLocustfileDeclaresTheSameClasses(t *testing.T) {
	type class struct {
		locustworker.ClassInfo
		Wait []float64
	}
	var python []class
	twin(t, &python, "classes")
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	wait := s.run.Load().cfg
	var want []class
	for _, c := range s.Classes() {
		info := locustworker.Describe(c)
		for i := range info.Tasks {
			slices.Sort(info.Tasks[i].Tags)
		}
		want = append(want, class{info, []float64{wait.MinWait.Seconds(), wait.MaxWait.Seconds()}})
	}
	got, err := json.MarshalIndent(python, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	expected, err := json.MarshalIndent(want, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, expected) {
		t.Errorf("locustfile.py and Scenario.Classes differ\nlocustfile.py:\n%s\nGo:\n%s", got, expected)
	}
}

func TestLocustfileHasTheSameConstants(t *testing.T) {
	type constants struct {
		MaxGrown     int               `json:"MAX_GROWN"`
		MaxNumber    float64           `json:"MAX_NUMBER"`
		MinNumber    float64           `json:"MIN_NUMBER"`
		Versions     int               `json:"VERSIONS"`
		Kinds        [kinds]string     `json:"KINDS"`
		ReadFields   [kinds][]string   `json:"READ_FIELDS"`
		WholeFields  [kinds][]string   `json:"WHOLE_FIELDS"`
		UpdateFields [kinds][]string   `json:"UPDATE_FIELDS"`
		StaticFields [kinds][]string   `json:"STATIC_FIELDS"`
		NestedFields [kinds][]string   `json:"NESTED_FIELDS"`
		Loaders      [kinds]string     `json:"LOADERS"`
		Messages     []string          `json:"MESSAGES"`
		Settings     [][]any           `json:"SETTINGS"`
		Weights      map[string]string `json:"WEIGHTS"`
		Defaults     []any             `json:"DEFAULTS"`
		Huge         int               `json:"HUGE"`
		Writes       []string          `json:"WRITES"`
	}
	var python constants
	twin(t, &python, "settings")
	c := Config{}.withDefaults()
	var writes []string
	for _, s := range sets() {
		if s.writes {
			writes = append(writes, s.name)
		}
	}
	var settings [][]any
	for _, s := range Settings() {
		settings = append(settings, []any{s.Name, s.Default, s.Text})
	}
	want := constants{
		maxGrown, maxNumber, minNumber, versions, prefixes,
		filled(readFields), filled(wholeFields), filled(updateFields), filled(staticFields), filled(nestedFields),
		loaders,
		[]string{KeysMessage, AckMessage},
		settings, WeightVariables(),
		[]any{
			float64(c.SampleSize), c.RequestTimeout.Seconds(), c.MinWait.Seconds(), c.MaxWait.Seconds(),
			c.DocumentSize, float64(c.RandomDocuments), float64(c.StaticDocuments),
		},
		Config{DocumentSize: Size2MB}.withDefaults().StaticDocuments, writes,
	}
	if !reflect.DeepEqual(python, want) {
		t.Errorf("constants differ\nPython: %+v\nGo:     %+v", python, want)
	}
}

// filled has empty lists where fields has none, as the twin prints them.
func filled(fields [kinds][]string) [kinds][]string {
	for k := range fields {
		fields[k] = append([]string{}, fields[k]...)
	}
	return fields
}

// Both read the same settings from the same text, and refuse the same.
func TestBothWorkersReadTheSameSettings(t *testing.T) {
	environments := []map[string]string{
		{},
		{"LOAD_GEN_DATA_SAMPLE_SIZE": "7", "LOAD_GEN_SEED": "42", "LOAD_GEN_RANDOM_DOCUMENTS": " 5 ", "LOAD_GEN_STATIC_DOCUMENTS": "6"},
		{"LOAD_GEN_REQUEST_TIMEOUT": "1.5s", "LOAD_GEN_WAIT_MIN": "0", "LOAD_GEN_WAIT_MAX": "0"},
		{"LOAD_GEN_REQUEST_TIMEOUT": "250ms", "LOAD_GEN_WAIT_MIN": "1", "LOAD_GEN_WAIT_MAX": "2m"},
		{"LOAD_GEN_DOCUMENT_SIZE": "2MB"},
		{"LOAD_GEN_WEIGHT_JSONGET": "4", "LOAD_GEN_WEIGHT_JSONGET_GET_STRING": "0", "LOAD_GEN_WEIGHT_RANDOMPUT_NUMBINCRYBY": "9"},
		{"LOAD_GEN_WEIGHTS": "JSONGet=2, JSONGet.get_json=5;MoreJSON=0"},
		{"LOAD_GEN_WEIGHTS": "JSONGet=2", "LOAD_GEN_WEIGHT_JSONGET": "3"},
		{"LOAD_GEN_WAIT_MIN": "1s"},
		{"LOAD_GEN_DATA_SAMPLE_SIZE": "0"},
		{"LOAD_GEN_DATA_SAMPLE_SIZE": "100001"},
		{"LOAD_GEN_DATA_SAMPLE_SIZE": "many"},
		{"LOAD_GEN_REQUEST_TIMEOUT": "0"},
		{"LOAD_GEN_REQUEST_TIMEOUT": "-1"},
		{"LOAD_GEN_REQUEST_TIMEOUT": "2h"},
		{"LOAD_GEN_DOCUMENT_SIZE": "3MB"},
		{"LOAD_GEN_SEED": "0"},
		{"LOAD_GEN_WEIGHTS": "JSONGet"},
		{"LOAD_GEN_WEIGHTS": "Nobody=1"},
		{"LOAD_GEN_WEIGHT_JSONGET": "-1"},
		{"LOAD_GEN_SEED": "18446744073709551615"},
		{"LOAD_GEN_SEED": "18446744073709551616"},
		{"LOAD_GEN_RANDOM_DOCUMENTS": "9223372036854775808"},
		{"API_ENDPOINT": "http://h:1/base", "APP_ENDPOINT": "https://[::1]:5"},
		{"API_ENDPOINT": "localhost:5000"},
		{"APP_ENDPOINT": "http://<script>"},
	}
	type parsed struct {
		Faults                                       bool
		APIEndpoint, AppEndpoint                     string
		SampleSize, RandomDocuments, StaticDocuments int
		RequestTimeout, WaitMin, WaitMax             float64
		DocumentSize                                 string
		Seed                                         uint64
		Weights                                      map[string]int
	}
	text, err := json.Marshal(environments)
	if err != nil {
		t.Fatal(err)
	}
	var python []parsed
	twin(t, &python, "parse", string(text))
	for i, env := range environments {
		c, err := configFrom(env)
		d := c.withDefaults()
		got := parsed{
			err != nil, c.APIEndpoint, c.AppEndpoint, d.SampleSize, d.RandomDocuments, d.StaticDocuments,
			d.RequestTimeout.Seconds(), d.MinWait.Seconds(), d.MaxWait.Seconds(), d.DocumentSize, d.Seed, d.Weights,
		}
		if err != nil && !errors.Is(err, ErrConfig) {
			t.Errorf("%v: %v", env, err)
		}
		if !reflect.DeepEqual(got, python[i]) {
			t.Errorf("%v\nGo:     %+v\nPython: %+v", env, got, python[i])
		}
	}
}

func TestBothReadTheSameFiles(t *testing.T) {
	texts := []string{"", "# nothing\n\n A = b c \nB='q'\nC=\"\"\nD=x=y\r\nE='", "A", "=x"}
	text, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	var python []map[string]string
	twin(t, &python, "files", string(text))
	for i, text := range texts {
		got, err := ParseFile(text)
		if (err != nil) != (python[i] == nil) || err == nil && !maps.Equal(got, python[i]) {
			t.Errorf("%q: Go %v (%v), Python %v", text, got, err, python[i])
		}
	}
}
