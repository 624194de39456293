package cli

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what tests hold against the code: docs/command-line.md")

// optionRows is the table of docs/command-line.md.
func optionRows() string {
	var b strings.Builder
	for _, g := range optionGroups() {
		b.WriteString("\n**" + g.title + "**\n\n")
		silent := g.options[0].help == ""
		if silent {
			b.WriteString("| option | variable |\n| --- | --- |\n")
		} else {
			b.WriteString("| option | variable | meaning |\n| --- | --- | --- |\n")
		}
		for _, o := range g.options {
			if o.Refused != "" {
				continue
			}
			variable := ""
			if o.Env != "" {
				variable = "`" + o.Env + "`"
			}
			b.WriteString("| `" + strings.Join(o.written(), "`, `") + "` | " + variable + " |")
			if !silent {
				b.WriteString(" " + strings.ReplaceAll(o.help, "|", `\|`) + " |")
			}
			b.WriteString("\n")
		}
	}
	return b.String() + "\n"
}

func TestDocumentation(t *testing.T) {
	const file, begin, end = "../../../docs/command-line.md", "-update -->\n", "<!-- end of options -->"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), begin)
	table, tail, also := strings.Cut(rest, end)
	if !ok || !also {
		t.Fatalf("%s has lost the marks around its table", file)
	}
	if *update {
		if err := os.WriteFile(file, []byte(head+begin+optionRows()+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != optionRows() {
		t.Errorf("the options in %s are not those of the code: run go test ./locustworker/internal/cli -run TestDocumentation -update", file)
	}
	for _, o := range options() {
		if o.Refused == "" && !strings.Contains(table, "`"+o.written()[len(o.Names)-1]+"`") {
			t.Errorf("%s is not in %s", o.Name(), file)
		}
	}
	for _, needed := range []string{"LOCUST_USER_CLASSES", readyDelayVariable, childVariable} {
		if !strings.Contains(tail, "`"+needed+"`") {
			t.Errorf("%s is not in %s", needed, file)
		}
	}
}
