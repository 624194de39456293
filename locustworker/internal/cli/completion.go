package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// runCompletion prints a script that makes a shell complete options, commands and
// class names, and returns the exit code.
func (c *Command) runCompletion(_ context.Context, args []string) int {
	scripts := map[string]func() string{"bash": c.bashCompletion, "zsh": c.zshCompletion, "fish": c.fishCompletion}
	if len(args) == 1 && scripts[args[0]] != nil {
		_, _ = fmt.Fprint(c.Stdout, scripts[args[0]]())
		return ExitOK
	}
	fmt.Fprintf(c.Stderr, `Usage: %[1]s completion bash|zsh|fish

Prints a script that completes options, commands and user classes:
  bash: source <(%[1]s completion bash)
  zsh:  source <(%[1]s completion zsh)       after compinit
  fish: %[1]s completion fish | source
`, c.program())
	if slices.Equal(args, []string{"-h"}) || slices.Equal(args, []string{"--help"}) {
		return ExitOK
	}
	return ExitUsage
}

// completable are the options that a shell shall offer: those that do something.
func completable() []option {
	return slices.DeleteFunc(options(), func(o option) bool { return o.Refused != "" || o.help == "" })
}

// values says what may follow an option: words, or the name of a file.
func (o option) values() (words []string, file bool) {
	switch o.metavar {
	case "<level>":
		return []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}, false
	case "<filename>":
		return nil, true
	}
	return nil, false
}

// firstWords are what may stand in the place of the first argument.
func (c *Command) firstWords() []string {
	var words []string
	for _, s := range c.subcommands() {
		words = append(words, s.Name)
	}
	return append(words, classNames(c.Classes)...)
}

// function is the program's name as shells take it in the name of a function.
func (c *Command) function() string {
	return "_" + strings.Map(func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, c.program())
}

// bashCompletion completes the word at the cursor: the value of the option before
// it, an option, or else a command or a class.
func (c *Command) bashCompletion() string {
	var names []string
	var cases strings.Builder
	for _, o := range completable() {
		names = append(names, o.Names...)
		if !o.takesValues() {
			continue
		}
		words, file := o.values()
		action := ":" // anything
		switch {
		case file:
			action = `COMPREPLY=($(compgen -f -- "$word"))`
		case len(words) > 0:
			action = `COMPREPLY=($(compgen -W ` + shellQuote(strings.Join(words, " ")) + ` -- "$word"))`
		}
		fmt.Fprintf(&cases, "    %s) %s; return ;;\n", strings.Join(o.Names, "|"), action)
	}
	return fmt.Sprintf(`# bash completion for %[1]s
%[2]s() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  case "$before" in
%[3]s  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W %[4]s -- "$word")) ;;
    *) COMPREPLY=($(compgen -W %[5]s -- "$word")) ;;
  esac
}
complete -F %[2]s %[1]s
`, c.program(), c.function(), cases.String(), shellQuote(strings.Join(names, " ")), shellQuote(strings.Join(c.firstWords(), " ")))
}

// zshCompletion describes the options to _arguments.
func (c *Command) zshCompletion() string {
	escape := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`)
	var specs strings.Builder
	for _, o := range completable() {
		value := ""
		if o.takesValues() {
			words, file := o.values()
			value = ":" + escape.Replace(strings.Trim(o.metavar, "<>")) + ":"
			switch {
			case file:
				value += "_files"
			case len(words) > 0:
				value += "(" + strings.Join(words, " ") + ")"
			}
		}
		for _, name := range o.Names {
			spec := fmt.Sprintf("(%s)%s[%s]%s", strings.Join(o.Names, " "), name, escape.Replace(firstSentence(o.help)), value)
			specs.WriteString("    " + shellQuote(spec) + " \\\n")
		}
	}
	return fmt.Sprintf("#compdef %[1]s\n# zsh completion for %[1]s\n%[2]s() {\n  _arguments \\\n%[3]s    %[4]s\n}\ncompdef %[2]s %[1]s\n",
		c.program(), c.function(), specs.String(), shellQuote("*:command or user class:("+strings.Join(c.firstWords(), " ")+")"))
}

// fishCompletion is one complete command for each option, command and class.
func (c *Command) fishCompletion() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# fish completion for %s\n", c.program())
	line := func(format string, args ...any) {
		b.WriteString("complete -c " + shellQuote(c.program()) + " " + fmt.Sprintf(format, args...) + "\n")
	}
	line("-f")
	for _, s := range c.subcommands() {
		line("-n __fish_use_subcommand -a %s -d %s", shellQuote(s.Name), shellQuote(s.Help))
	}
	for _, name := range classNames(c.Classes) {
		line("-a %s -d 'user class'", shellQuote(name))
	}
	for _, o := range completable() {
		var flags strings.Builder
		for _, name := range o.Names {
			if isLong(name) {
				flags.WriteString("-l " + name[2:] + " ")
			} else {
				flags.WriteString("-s " + name[1:] + " ")
			}
		}
		if words, file := o.values(); file {
			flags.WriteString("-r -F ")
		} else if len(words) > 0 {
			flags.WriteString("-x -a " + shellQuote(strings.Join(words, " ")) + " ")
		} else if o.takesValues() {
			flags.WriteString("-x ")
		}
		line("%s-d %s", flags.String(), shellQuote(firstSentence(o.help)))
	}
	return b.String()
}

// firstSentence is a help text as far as a list of completions has room for it.
func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(text, ". ")
	return strings.TrimSuffix(sentence, ".")
}

// shellQuote quotes a text for all three shells, in which no text of a help or a
// name holds a line break.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
