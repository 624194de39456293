package main

import (
	"bytes"
	"encoding/json"
	"image/png"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/internal/browsertest"
	"github.com/bandwing/bandwing/internal/redistest"
)

// TestPagesInABrowser looks at the pages as people do: it sends every example of the start page, finds that each is
// answered, and holds that no page asks any other host for anything or reports a fault.
// `go test -artifacts -outputdir DIR` keeps the screenshots.
func TestPagesInABrowser(t *testing.T) {
	useRedis(t, redistest.Start(t))
	url, stop := start(t)
	defer stop()
	b := browsertest.Start(t)

	b.Open(url + "/")
	const sum = `new Promise(resolve => {
		const sum = document.getElementById("sum");
		new MutationObserver(() => sum.textContent && resolve(sum.textContent)).observe(sum, {childList: true});
		document.getElementById("all").click();
	})`
	if got := b.Eval(sum); got != "23 of 23 ok" {
		t.Errorf("send all: %s; the failures are\n%s", got, b.Eval(`[...document.querySelectorAll("output:has(.bad)")].map(o => o.innerText).join("\n")`))
	}
	const london = `document.querySelector("input[value$='address.city']").closest("article").querySelector("output pre").innerText`
	if got := b.Eval(london); got != `{"status":"ok","json":"London"}` {
		t.Errorf("the reply of the address: %s", got)
	}
	keep(t, b, url, "start.png")

	// An example that is changed by hand, and one that fails.
	const edited = `(async () => {
		const form = document.forms[2];
		form.elements.target.value = "/api/v1/doc/nobody%20there";
		form.requestSubmit();
		const out = form.parentElement.querySelector("output");
		await new Promise(resolve => new MutationObserver(resolve).observe(out, {childList: true}));
		return out.innerText;
	})()`
	if got := b.Eval(edited); !strings.HasPrefix(got, "404 in ") || !strings.Contains(got, `no key \"nobody there\"`) {
		t.Errorf("a key that is not there: %s", got)
	}

	b.Open(url + "/docs")
	if got := b.Eval(waitFor(`document.querySelectorAll(".opblock").length`)); got != "26" {
		t.Errorf("%s routes in the docs", got)
	}
	if got := b.Eval(`document.querySelectorAll(".errors-wrapper").length`); got != "0" {
		t.Errorf("Swagger UI finds %s faults in the document", got)
	}
	// A call from the page, as a reader makes it.
	const call = `(async () => {
		const until = async (find) => { for (;;) { const found = find(); if (found) return found; await new Promise(requestAnimationFrame); } };
		const block = document.querySelector("#operations-Service-getHealth");
		block.querySelector("button.opblock-summary-control").click();
		(await until(() => block.querySelector("button.try-out__btn"))).click();
		(await until(() => block.querySelector("button.execute"))).click();
		return (await until(() => block.querySelector(".live-responses-table tbody .response-col_status"))).innerText;
	})()`
	if got := b.Eval(call); !strings.HasPrefix(got, "200") {
		t.Errorf("a call from Swagger UI: %s", got)
	}
	keep(t, b, url, "docs.png")
}

// waitFor is a script that waits until an expression is true, and is its value then.
func waitFor(expression string) string {
	return `(async () => { for (;;) { const value = ` + expression + `; if (value) return value; await new Promise(requestAnimationFrame); } })()`
}

// keep writes a screenshot and checks what the page has asked for and reported.
func keep(t *testing.T, b *browsertest.Browser, url, name string) {
	t.Helper()
	picture := b.Screenshot()
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name), picture, 0o600); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	colours := map[any]bool{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			colours[img.At(x, y)] = true
		}
	}
	if len(colours) < 20 {
		t.Errorf("%s: the picture has %d colours", name, len(colours))
	}
	for _, e := range b.Events {
		switch e.Method {
		case "Network.requestWillBeSent":
			var sent struct{ Request struct{ URL string } }
			if err := json.Unmarshal(e.Params, &sent); err != nil {
				t.Fatal(err)
			}
			if u := sent.Request.URL; !strings.HasPrefix(u, url+"/") && !strings.HasPrefix(u, "data:") {
				t.Errorf("%s asks for %s", name, u)
			}
		case "Runtime.exceptionThrown", "Log.entryAdded":
			t.Errorf("%s: %s", name, e.Params)
		}
	}
}

// TestExamplesForCurl runs the lines of /examples in a shell, in order.
func TestExamplesForCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatalf("curl is not installed, run `make deps-dev`: %v", err)
	}
	useRedis(t, redistest.Start(t))
	url, stop := start(t)
	defer stop()
	code, examples := status(t, url+"/examples")
	if code != http.StatusOK {
		t.Fatalf("/examples: %d", code)
	}
	lines := 0
	for line := range strings.Lines(examples) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		lines++
		out, err := exec.Command("sh", "-c", line+" --fail-with-body").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	if lines != 23 {
		t.Errorf("%d lines", lines)
	}
}
