package cli

import (
	"fmt"
	"strings"
)

const (
	helpWidth  = 100
	helpIndent = 30 // where an option's text begins
)

// printHelp lists the options in groups; those without a meaning by name only.
func (c *Command) printHelp() {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s [options] [UserClass ...]\n       %s <command> [arguments]\n\n", c.program(), c.program())
	b.WriteString(wrap("A load test with the user classes of a Go program: a worker of a Locust master, or with --headless a run of its own. It takes what `locust` takes, "+
		"from the command line, the environment and the configuration files ~/.locust.conf, locust.conf and pyproject.toml "+
		"([tool.locust]), the first of these wins.", 0))
	b.WriteString("\nCommands:\n")
	for _, s := range c.subcommands() {
		b.WriteString(paragraph("  "+s.Name, s.Help))
	}
	for _, g := range optionGroups() {
		fmt.Fprintf(&b, "\n%s:\n", g.title)
		var rest []string
		for _, o := range g.options {
			switch {
			case o.Refused != "":
			case o.help == "":
				rest = append(rest, o.Name())
			default:
				b.WriteString(o.helpText())
			}
		}
		if len(rest) > 0 {
			b.WriteString("  " + wrap(strings.Join(rest, ", "), 2))
		}
	}
	b.WriteString("\nExit codes:\n  " + wrap(exitHelp, 2))
	_, _ = fmt.Fprint(c.Stdout, b.String())
}

const exitHelp = "With --headless: 0 all is well; 99 a threshold is breached; 1 failures or exceptions (see --exit-code-on-error), " +
	"or a report that cannot be written; 2 wrong usage, or an event's function has failed; or what the test itself asked for. As a worker: 0 the master said quit, or a signal came and all is delivered; 1 unknown user class, or failures that no report has " +
	"delivered (see --exit-code-on-error); 2 wrong usage, or an event's function has failed; 255 no master found with " +
	"--quit-on-master-loss, --master, or --config-users for an unknown class; 128 + n after a second signal n."

// helpText is an option's paragraph.
func (o option) helpText() string {
	text := o.help
	if o.Env != "" {
		text += " [" + o.Env + "]"
	}
	return paragraph("  "+strings.Join(o.written(), ", "), text)
}

// paragraph puts a text beside its heading, or below one that is too long.
func paragraph(head, text string) string {
	if len(head) > helpIndent-2 {
		head += "\n"
		return head + strings.Repeat(" ", helpIndent) + wrap(text, helpIndent)
	}
	return fmt.Sprintf("%-*s%s", helpIndent, head, wrap(text, helpIndent))
}

// written returns the option's names, the long one with what stands for its
// value.
func (o option) written() []string {
	var names []string
	for _, name := range o.Names {
		if name == o.Name() {
			switch {
			case o.Kind == List:
				name += " [" + o.metavar + " ...]"
			case o.metavar != "":
				name += " " + o.metavar
			}
		}
		names = append(names, name)
	}
	return names
}

// wrap breaks a text into lines of at most helpWidth bytes; all but the first are
// indented.
func wrap(text string, indent int) string {
	var b strings.Builder
	column := indent
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > helpWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteString("\n")
	return b.String()
}
