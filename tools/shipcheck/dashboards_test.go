package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
)

// TestDashboardFaults breaks a dashboard, one thing at a time.
func TestDashboardFaults(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	text, err := os.ReadFile(filepath.Join(root, "grafanaTemplate", "dashboards", "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, with, want string }{
		{"good", "", "", ""},
		{"field of the dashboard", `"schemaVersion"`, `"schemeVersion"`, "schemeVersion"},
		{"field of a panel", `"gridPos"`, `"gridPosition"`, "gridPosition"},
		{"option of a panel", `"tooltip"`, `"toolTip"`, "toolTip"},
		{"field of a query", `"expr"`, `"expression"`, "expression"},
		{"type", `"w": 24`, `"w": "24"`, "string"},
		{"wide", `"w": 12`, `"w": 25`, "must be <= 24"},
		{"beyond the grid", `"x": 21`, `"x": 22`, "wider than the grid"},
		{"overlap", `"y": 14`, `"y": 13`, "lies on"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(string(text), test.old) {
				t.Fatalf("the dashboard has no %s", test.old)
			}
			faults := dashboardFaults([]byte(strings.Replace(string(text), test.old, test.with, 1)))
			got := strings.Join(faults, "\n")
			if (test.old == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("faults %q, want one with %q", got, test.want)
			}
		})
	}
}
