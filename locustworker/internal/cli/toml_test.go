package cli

import (
	"fmt"
	"strings"
	"testing"
)

// tomlBodies are what may stand in the table, one in each document.
func tomlBodies() []string {
	return []string{
		``, `host = "http://x"`, `host='http://x'`, `"host" = "x"`, `'host'="x"`, "host\t=\t\"x\" # c", `master-port = 5557`, `a = 1_000`,
		`a = +7`, `a = -7`, `a = 0`, `a = 0xDEAD_beef`, `a = 0o17`, `a = 0b101`, `a = 1.5`, `a = -0.0`, `a = 1e3`,
		`a = 1E-7`, `a = 6.626e-34`, `a = 9_224_617.445_991`, `a = inf`, `a = -inf`, `a = +inf`, `a = nan`, `a = true`, `a = false`,
		`a = []`, `a = ["x", "y"]`, "a = [\n  1, # one\n  2,\n]", `a = [1, 2.5, true, "x"]`, `a = [ 'x' ,]`,
		`a = "q\"b\\s\ttab\u00e9\U0001F600"`, `a = 'q\n"'`, `a = ""`, `a = ''`, `a = """x"""`, "a = \"\"\"\nx\ny\"\"\"", "a = '''\nx\n'y''''",
		`a = """a"b""c"""`, `a = """"a""""`, `a = """""a"""""`, "a = \"\"\"x \\\n   y\"\"\"", "a = \"\"\"x \\  \n\n  y\"\"\"", `a = """\""""`, `a = ''''x'''`,
		"a = 1\nb = 2", "a = 1\r\nb = \"\"\"\r\nx\r\ny\"\"\"\r\n", "a = \"x\"\n\n# c\n\n", `1234 = 5`, `_a-b = 1`,
		`a = "[x]"`, `a = "#"`, `a = ["]", '[', "#"]`, "a = [ # ]\n 1 ]", `"a.b" = 1`, `"" = 1`,
	}
}

// badTOMLBodies are none.
func badTOMLBodies() []string {
	return []string{
		`a`, `a =`, `= 1`, `a 1`, `a = x`, `a = "x`, `a = 'x`, `a = """x`, `a = '''x`, `a = "\x"`, `a = "\u12"`, `a = "\ud800"`, `a = "x\`, `a = [`, `a = [1`, `a = [1 2]`,
		`a = {`, `a = {b = 1`, `a = {b}`, `a = {b = 1 c = 2}`, "a = {b = 1,\nc = 2}", `a = 1 b = 2`, "a = 1\na = 2", "a = \"x\ny\"", `a = ++1`, `a = -`, `a = 1__0x`,
		`a = tru`, `a. = 1`, `a b = 1`, `[x`, `[[x]`, `[]`, `]`, `ä = 1`, "a = 1\n[a]", "a = 1\n[[a]]", `a = 2026-`, `a = 12:3`, "a = 1\rb = 2",
		`a = 007`, `a = 1__0`, "a = 1\n[tool.locust]\nb = 2", `a = 2026-99-99`, "a = \"\x01\"", `a = {b = 1, b = 2}`,
	}
}

func TestParseTOMLIsTomllibs(t *testing.T) {
	var texts []string
	for _, body := range append(tomlBodies(), badTOMLBodies()...) {
		texts = append(texts, "[tool.locust]\n"+body)
	}
	around := "title = \"x\" # [tool.locust]\n[project]\ndependencies = [\n  \"a [b]\", # c\n]\ndesc = \"\"\"\n[tool.locust]\nhost = 'no'\n\"\"\"\n" +
		"when = 1979-05-27T07:32:00Z\nday = 1979-05-27\nat = 07:32:00.999\nboth = 1979-05-27 07:32:00-07:00\nlist = [1979-05-27 07:32:00, 1979-05-27]\n" +
		"[[tool.mypy.overrides]]\nmodule = [\"x\"]\n[[tool.mypy.overrides]]\nin = {a = 1, b.c = [{}], \"d\" = {e = '}'}}\n[tool.mypy.overrides.sub]\nx = 1\n"
	texts = append(texts, "",
		"[tool.other]\nhost = 'no'", around, around+"[tool.locust]\nhost = 'yes'\n[tool.after]\nhost = 'no'", "[tool.locust]\nhost = 'yes'\n"+around,
		"tool.locust.host = 'x'", "[tool]\nlocust.host = 'x'\nlocust.tags = ['a']", "[tool]\nlocust = {host = 'x', tags = ['a', 'b']}", "[ tool . \"locust\" ]\nhost = 'x'",
		"[tool]\n[tool.locust]\nhost='x'", "tool = 1", "[tool]\nlocust = 1",
	)
	heldAgainstPython(t, "toml", texts, parseTOML,
		"tool = 1",                           // Locust breaks on that one
		"[tool.locust]\na = {b = 1,\nc = 2}") // which TOML 1.1 allows
}

// Python's whole numbers have no end; no option of Locust needs one of more than 64
// bits.
func TestParseTOMLRefusesHugeNumbers(t *testing.T) {
	if _, err := parseTOML("[tool.locust]\na = 12345678901234567890123"); err == nil || !strings.Contains(err.Error(), "line 2: ") {
		t.Error(err)
	}
}

func TestParseTOMLNamesTheLine(t *testing.T) {
	_, err := parseTOML("[tool.locust]\n\nhost = \"a\"\nport = x\n")
	if err == nil || !strings.Contains(err.Error(), "line 4") || !strings.Contains(err.Error(), "port = x") {
		t.Error(err)
	}
}

func TestParseTOMLBoundsNesting(t *testing.T) {
	for depth, fails := range map[int]bool{90: false, 1_000_000: true} {
		_, err := parseTOML("a = " + strings.Repeat("[", depth) + strings.Repeat("]", depth))
		if (err != nil) != fails {
			t.Errorf("%d levels: %v", depth, err)
		}
	}
}

func TestParseTOMLKeepsTablesAsJSON(t *testing.T) {
	for text, want := range map[string]string{
		"config-users = [{user_class_name = \"A\", weight = 2}]": `[{config-users [{"user_class_name":"A","weight":2}] true}]`,
		"a.b = 1":                      `[{a [{"b":1}] false}]`,
		"a = [[1, 2], []]":             `[{a [[1,2] []] true}]`,
		"[tool.locust.sub]\nhost = ''": `[{sub [{"host":""}] false}]`,
	} {
		if entries, err := parseTOML("[tool.locust]\n" + text); err != nil || fmt.Sprint(entries) != want {
			t.Errorf("%s: %v, %v", text, entries, err)
		}
	}
}

func FuzzParseTOML(f *testing.F) {
	for _, body := range append(tomlBodies(), badTOMLBodies()...) {
		f.Add("[tool.locust]\n" + body)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := parseTOML(text)
		if err != nil && entries != nil {
			t.Fatalf("%q: entries and an error", text)
		}
		for i, e := range entries {
			if !e.list && len(e.values) != 1 || i > 0 && entries[i-1].key >= e.key {
				t.Fatalf("%q: %+v", text, entries)
			}
		}
	})
}
