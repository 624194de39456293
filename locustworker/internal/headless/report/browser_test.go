package report

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/internal/browsertest"
)

// TestPageInABrowser looks at the page as people do: its charts are there, show
// values under the pointer, and nothing is wider than a narrow screen.
func TestPageInABrowser(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.html")
	if err := SaveHTML(file, aPage(t)); err != nil {
		t.Fatal(err)
	}
	b := browsertest.Start(t)
	b.Open("file://" + file)
	for _, c := range []struct{ script, want string }{ // in this order: the pointer draws a line more
		{`String(document.querySelectorAll("[data-chart] .plot path[d^='M']").length)`, "9"}, // three grids, six lines
		{`(() => {
			const plot = document.querySelector(".plot svg"), box = plot.getBoundingClientRect();
			plot.dispatchEvent(new PointerEvent("pointermove", {clientX: box.right, clientY: box.top + 5}));
			return document.querySelector(".when").textContent + " " + document.querySelector(".key b").textContent;
		})()`, "1:29 556"},
		{`(() => {
			document.body.style.width = "360px";
			const wide = [...document.querySelectorAll("body > *")].filter((e) => e.getBoundingClientRect().width > 361);
			return wide.map((e) => e.tagName).join(" ");
		})()`, ""},
	} {
		if got := b.Eval(c.script); strings.TrimSpace(got) != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.script, got, c.want)
		}
	}
	for _, e := range b.Events {
		if e.Method == "Runtime.exceptionThrown" || e.Method == "Log.entryAdded" {
			t.Errorf("the page reports %s: %s", e.Method, e.Params)
		}
	}
}
