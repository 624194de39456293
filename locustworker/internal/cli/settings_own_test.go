package cli

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Conformance: C14
func TestOwnSettings(t *testing.T) {
	tests := []struct {
		args  string
		env   map[string]string
		want  func(Settings) any
		value any
	}{
		{"--drain-timeout 2", nil, func(c Settings) any { return c.DrainTimeout }, 2 * time.Second},
		{"--drain-timeout 250ms", nil, func(c Settings) any { return c.DrainTimeout }, 250 * time.Millisecond},
		{"--drain-timeout 0", nil, func(c Settings) any { return c.DrainTimeout }, time.Duration(-1)},
		{"", nil, func(c Settings) any { return c.DrainTimeout }, time.Duration(0)},
		{"", map[string]string{"LOCUSTWORKER_DRAIN_TIMEOUT": "1m"}, func(c Settings) any { return c.DrainTimeout }, time.Minute},
		{"--master-timeout=1m30s", nil, func(c Settings) any { return c.MasterTimeout }, 90 * time.Second},
		{"", nil, func(c Settings) any { return c.QuitOnMasterLoss }, false},
		{"--quit-on-master-loss", nil, func(c Settings) any { return c.QuitOnMasterLoss }, true},
		{"", map[string]string{"LOCUSTWORKER_QUIT_ON_MASTER_LOSS": "true"}, func(c Settings) any { return c.QuitOnMasterLoss }, true},
		{"--locust-buckets", nil, func(c Settings) any { return c.LocustBuckets }, true},
		{"--seed 18446744073709551615", nil, func(c Settings) any { return c.Seed }, uint64(18446744073709551615)},
		{"--max-rps 2.5", nil, func(c Settings) any { return c.MaxRPS }, 2.5},
		{"--max-rps=0", map[string]string{"LOCUSTWORKER_MAX_RPS": "7"}, func(c Settings) any { return c.MaxRPS }, 0.0},
		{"", map[string]string{"LOCUSTWORKER_MAX_RPS": "7"}, func(c Settings) any { return c.MaxRPS }, 7.0},
		{"", map[string]string{readyDelayVariable: " 3 "}, func(c Settings) any { return c.ReadyDelay }, 3 * time.Second},
	}
	for _, test := range tests {
		c, _ := testCommand(test.env, strings.Fields(test.args)...)
		s, err := c.read()
		if err != nil {
			t.Errorf("%s: %v", test.args, err)
			continue
		}
		if got := test.want(s.Settings); got != test.value {
			t.Errorf("%s %v: %v, want %v", test.args, test.env, got, test.value)
		}
	}
	for _, args := range []string{
		"--drain-timeout -1s", "--drain-timeout soon", "--master-timeout 0", "--master-timeout 0s", "--seed -1", "--seed x",
		"--max-rps -1", "--max-rps many", "--max-rps nan", "--max-rps inf",
		"--seed 18446744073709551616", "--master-port 65536", "--master-port -1",
	} {
		c, _ := testCommand(nil, strings.Fields(args)...)
		if _, err := c.read(); err == nil || !strings.HasPrefix(err.Error(), "argument --") {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestSettingsKeepTheBase(t *testing.T) {
	weight := 4
	base := Settings{
		MasterHost: "base", Host: "http://base", Tags: []string{"base"}, UserClasses: []string{"Base"}, StopTimeout: time.Second, ResetStats: true, Seed: 7,
		UserSettings: []UserSettings{{Class: "Base", Weight: &weight}}, ExitCodeOnError: 1,
	}
	c, _ := testCommand(nil)
	c.Defaults = base
	s, err := c.read()
	if err != nil || !reflect.DeepEqual(s.Settings, base) {
		t.Errorf("%+v, %v", s.Settings, err)
	}
	c, sh := testCommand(map[string]string{"LOCUST_RESET_STATS": "no"}, "-H", "http://line", "--config-users", `{"user_class_name": "Line"}`, "--", "Line")
	sh.files["locust.conf"] = "master-host = file\ntags = []"
	c.Defaults = base
	s, err = c.read()
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(s.MasterHost, s.Host, s.Tags, s.UserClasses, s.ResetStats, s.Seed, settingsClasses(s.UserSettings))
	if want := "file http://line [] [Line] false 7 [Base Line]\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(base.UserSettings) != 1 || len(base.Tags) != 1 {
		t.Error("the base was changed")
	}
}

// Conformance: C12
func TestConfigUsers(t *testing.T) {
	text := `[{"user_class_name": "A", "host": "http://a", "weight": 2, "fixed_count": 0, "tasks": ["x", "y"], "z": 1, "attr": [1]}, {"user_class_name": "B", "host": null}]`
	c, sh := testCommand(nil, "--config-users", text, "more.json")
	sh.files["more.json"] = ` {"user_class_name": "C", "tasks": []}`
	s, err := c.read()
	if err != nil || len(s.UserSettings) != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	a, b, last := s.UserSettings[0], s.UserSettings[1], s.UserSettings[2]
	if a.Class != "A" || *a.Host != "http://a" || *a.Weight != 2 || *a.FixedCount != 0 || !slices.Equal(a.Tasks, []string{"x", "y"}) {
		t.Errorf("A: %+v", a)
	}
	if b.Class != "B" || b.Host == nil || *b.Host != "" || b.Weight != nil || b.FixedCount != nil || b.Tasks != nil {
		t.Errorf("B: %+v", b)
	}
	if last.Class != "C" || last.Host != nil || last.Tasks == nil || len(last.Tasks) != 0 {
		t.Errorf("C: %+v", last)
	}
	if !slices.Equal(s.odd, []string{"attr", "z"}) {
		t.Errorf("odd: %q", s.odd)
	}
	// An array in a variable or a file reaches Locust as Python text, which it
	// refuses; here it is what it looks like.
	c, sh = testCommand(map[string]string{"LOCUST_CONFIG_USERS": `[{"user_class_name": "A"}, {"user_class_name": "B"}]`})
	if s, err = c.read(); err != nil || len(s.UserSettings) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{`{"user_class_name": 7}`, `{"user_class_name": "A", "weight": "2"}`, `{"user_class_name": "A", "tasks": "x"}`, `[7]`, `null`, `"user_class_name"`, `[`} {
		c, _ = testCommand(nil, "--config-users", bad)
		if _, err = c.read(); err == nil || !strings.HasPrefix(err.Error(), "argument --config-users: ") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	_ = sh
}

func FuzzConfigUsers(f *testing.F) {
	f.Add(`{"user_class_name": "A", "weight": 2}`)
	f.Add(`[{"user_class_name": "A", "tasks": ["x"], "host": null}, {}]`)
	f.Add("no.json")
	f.Fuzz(func(t *testing.T, text string) {
		c, _ := testCommand(nil, "--config-users="+text)
		s, err := c.read()
		if err != nil {
			return
		}
		if missing := slices.Index(settingsClasses(s.UserSettings), ""); missing >= 0 {
			t.Fatalf("%q: setting %d names no class", text, missing)
		}
	})
}
