package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/internal/browsertest"
	"github.com/bandwing/bandwing/loadtest"
)

// uiScript is what the tests do in the web UI's page, as people do with the mouse
// and the keyboard.
const uiScript = `window.ui = {
	wait: (what, look) => new Promise((found, failed) => {
		const end = Date.now() + 45000;
		const again = () => {
			const seen = look();
			if (seen) found(seen);
			else if (Date.now() > end) failed(new Error("waited for " + what + " in: " + document.body.innerText));
			else setTimeout(again, 50);
		};
		again();
	}),
	press: async name => {
		const named = () => [...document.querySelectorAll("button")].find(b => b.innerText.trim().toUpperCase() === name && !b.disabled);
		(await ui.wait("button " + name, named)).click();
	},
	type: (name, text) => {
		const field = document.querySelector("input[name=" + name + "]");
		Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, text);
		field.dispatchEvent(new Event("input", {bubbles: true}));
	},
	boxes: () => [...document.querySelectorAll("tr")].filter(r => r.querySelector("input[type=checkbox]") && r.innerText.trim())
		.map(r => ({name: r.innerText.trim().split(/\s/)[0], box: r.querySelector("input[type=checkbox]")})),
	tick: async chosen => {
		await ui.wait("the class picker", () => ui.boxes().length);
		for (const name of ui.boxes().map(b => b.name)) {
			const box = () => ui.boxes().find(b => b.name === name).box;
			if (box().checked === chosen.includes(name)) continue;
			box().click();
			await ui.wait("the tick of " + name, () => box().checked === chosen.includes(name));
		}
		return ui.boxes().map(b => b.name).join(" ");
	},
	table: () => [...document.querySelectorAll("tr")].map(r => [...r.querySelectorAll("td")].map(d => d.innerText.trim())).filter(r => r.length > 4),
	charts: () => [...document.querySelectorAll("canvas, svg")].filter(c => c.getBoundingClientRect().width > 300).length,
};`

// A uiPage is the master's web UI in Chromium.
type uiPage struct {
	c *cluster
	b *browsertest.Browser
}

func openUI(c *cluster) *uiPage {
	c.t.Helper()
	p := &uiPage{c, browsertest.Start(c.t)}
	p.load()
	return p
}

func (p *uiPage) load() {
	p.c.t.Helper()
	p.b.Open(p.c.web.url + "/")
	p.b.Eval(uiScript + `""`)
}

// begin ticks the classes, fills the form in and presses Start. It returns the
// classes that the page offers.
func (p *uiPage) begin(classes []string, users int, fields map[string]string) []string {
	p.c.t.Helper()
	chosen, err := json.Marshal(classes)
	if err != nil {
		p.c.t.Fatal(err)
	}
	offered := p.b.Eval(fmt.Sprintf(`ui.tick(%s)`, chosen))
	for name, text := range fields {
		p.b.Eval(fmt.Sprintf(`ui.type(%q, %q)`, name, text))
	}
	p.b.Eval(fmt.Sprintf(`ui.type("userCount", "%d"), ui.type("spawnRate", "%d"), ui.press("START").then(() => "")`, users, users))
	return strings.Fields(offered)
}

// tableRows reads the table that the page shows, its last line included: the
// requests and the failures of each row by method and name.
func (p *uiPage) tableRows() map[string][2]string {
	p.c.t.Helper()
	var lines [][]string
	text := p.b.Eval(`JSON.stringify(ui.table())`)
	if err := json.Unmarshal([]byte(text), &lines); err != nil {
		p.c.t.Fatalf("%s: %v", text, err)
	}
	rows := map[string][2]string{}
	for _, line := range lines {
		rows[strings.TrimSpace(line[0]+" "+strings.TrimPrefix(line[1], "/api/v1/"))] = [2]string{line[2], line[3]}
	}
	return rows
}

// keep writes a screenshot, which must show more than a blank page. Keep them
// with -artifacts -outputdir DIR.
func (p *uiPage) keep(name string) {
	p.c.t.Helper()
	picture := p.b.Screenshot()
	if err := os.WriteFile(filepath.Join(p.c.t.ArtifactDir(), name+".png"), picture, 0o600); err != nil {
		p.c.t.Fatal(err)
	}
	img, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil || img.Width < 500 || len(picture) < 10_000 {
		p.c.t.Errorf("%s: a picture %d wide, of %d bytes (%v)", name, img.Width, len(picture), err)
	}
}

// TestTestSetsInTheWebUI picks each class in the real web UI, starts it, looks at
// the table and the charts, and stops it. The table that the page shows at the
// end is what the API has counted, without a failure.
func TestTestSetsInTheWebUI(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("--class-picker", "--host", c.apiURL,
		"-f", filepath.Join(built.root, "locustfile.py")+","+filepath.Join(built.root, "master", "load_shapes.py"))
	c.startTestSets()
	c.startTestSets()
	c.web.awaitWorkers(2)
	c.loadData(50)
	page := openUI(c)
	scenario, err := loadtest.New(loadtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	classes := len(scenario.Classes())
	for _, set := range testSets() {
		before := c.served()
		offered := page.begin([]string{set.class}, 10, map[string]string{"loadGenWaitMin": "0", "loadGenWaitMax": "20ms"})
		if len(offered) != classes {
			t.Errorf("the class picker offers %v; want %d classes", offered, classes)
		}
		c.web.awaitState("running", 10)
		awaitRequests(c, 300)
		page.b.Eval(`ui.wait("the rows", () => ui.table().length > 2).then(() => "")`)
		page.keep(set.class + "-table")
		page.b.Eval(`ui.press("CHARTS").then(() => ui.wait("the charts", () => ui.charts() >= 3)).then(() => "")`)
		page.keep(set.class + "-charts")
		page.b.Eval(`ui.press("STATISTICS").then(() => ui.press("STOP")).then(() => "")`)
		c.web.awaitState("stopped", 0)
		page.checkTable(set, c.served()-before)
		page.b.Eval(`ui.press("NEW").then(() => "")`)
	}
}

// checkTable compares the page's last table with the API's count. It loads the
// page anew: one that meets the master while it stops asks no more (Locust 2.47).
func (p *uiPage) checkTable(set testSet, served int) {
	p.c.t.Helper()
	r := finalReport(p.c, served)
	checkFailures(p.c.t, r)
	p.load()
	total := r.total()
	shows := fmt.Sprintf(`ui.wait("%d requests", () => ui.table().some(r => r[1] === "Aggregated" && r[2] === "%d")).then(() => "")`,
		total.NumRequests, total.NumRequests)
	p.b.Eval(shows)
	rows := p.tableRows()
	for name, n := range counts(r) {
		if want := [2]string{fmt.Sprint(n), "0"}; rows[name] != want {
			p.c.t.Errorf("%s: the page shows %v for %s; want %v", set.class, rows[name], name, want)
		}
	}
	for _, name := range set.rows {
		if _, ok := rows[name]; !ok {
			p.c.t.Errorf("%s: the page has no row %s: %v", set.class, name, rows)
		}
	}
	p.c.t.Logf("%-16s %5d requests in the page, %5d counted by the API, %s failures", set.class, total.NumRequests, served, rows["Aggregated"][1])
}
