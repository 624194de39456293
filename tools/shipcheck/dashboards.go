package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const dashboards = "grafanaTemplate/dashboards/*.json"

// checkDashboards reads the dashboards into Grafana's own types: a field, an option of a panel or of a query that Grafana
// does not know is a fault, and so is a value out of its bounds.
func checkDashboards(root string) []string {
	plugins.RegisterDefaultPlugins()
	files, err := filepath.Glob(filepath.Join(root, dashboards))
	if err != nil || len(files) == 0 {
		return []string{fmt.Sprintf("there is no %s (%v)", dashboards, err)}
	}
	var faults []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return append(faults, err.Error())
		}
		for _, fault := range dashboardFaults(text) {
			faults = append(faults, filepath.Base(file)+": "+fault)
		}
	}
	return faults
}

func dashboardFaults(text []byte) []string {
	var strict, board dashboard.Dashboard //nolint:staticcheck // Grafana 11 reads no newer version
	err := strict.UnmarshalJSONStrict(text)
	// It returns an empty list of errors where there are none, and then leaves the panels out.
	if list := (cog.BuildErrors{}); err != nil && (!errors.As(err, &list) || len(list) > 0) {
		return []string{err.Error()}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		return []string{err.Error()}
	}
	if err := board.Validate(); err != nil {
		return []string{err.Error()}
	}
	return overlaps(board.Panels)
}

// overlaps returns the panels that lie on others, or beyond the grid's 24 columns: Grafana would move them.
func overlaps(panels []dashboard.PanelOrRowPanel) []string {
	var faults []string
	taken := map[[2]uint32]string{}
	ids := []uint32{}
	for _, either := range panels {
		panel := either.Panel
		if panel == nil || panel.GridPos == nil || panel.Id == nil {
			continue // a row
		}
		title := fmt.Sprintf("panel %d", *panel.Id)
		if slices.Contains(ids, *panel.Id) {
			faults = append(faults, title+" is there twice")
		}
		ids = append(ids, *panel.Id)
		place := panel.GridPos
		if place.X+place.W > 24 {
			faults = append(faults, title+" is wider than the grid")
		}
		for x := place.X; x < place.X+place.W; x++ {
			for y := place.Y; y < place.Y+place.H; y++ {
				if other, is := taken[[2]uint32{x, y}]; is && other != title {
					faults = append(faults, title+" lies on "+other)
					x, y = 24, place.Y+place.H
				}
				taken[[2]uint32{x, y}] = title
			}
		}
	}
	return faults
}
