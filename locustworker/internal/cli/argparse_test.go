package cli

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// The differential test: random command lines, environments and files, read here
// and by a parser of Locust's class with the same options.

type question struct {
	table Table
	args  []string
	env   map[string]string
	files [][2]string // the weakest first
}

// asked is the table without what has no counterpart among argparse's options.
func asked() Table {
	var t Table
	for _, o := range table() {
		if o.Kind != Final && o.Refused == "" && !o.Exact && o.Name() != "--config" {
			t = append(t, o)
		}
	}
	return t
}

func (q question) json() []any {
	options := make([]any, 0, len(q.table))
	for _, o := range q.table {
		options = append(options, map[string]any{"names": o.Names, "env": o.Env, "kind": int(o.Kind)})
	}
	return []any{options, q.args, q.env, q.files}
}

func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

func randomQuestion(r *rand.Rand) question {
	q := question{table: asked(), args: []string{}, env: map[string]string{}, files: [][2]string{}}
	for range r.IntN(6) {
		q.args = append(q.args, pick(r,
			"--host", "--host=a", "--ho", "--hos=b", "-H", "-Hc", "-H=d", "--master", "--master-host", "--master-h=e", "--master-port=1", "--m", "--master-",
			"--worker", "-w", "-l", "-lw", "-wl", "-lHx", "-lx", "--list", "--lis", "--list=x", "-T", "--tags", "--tags=f", "-Tg", "--ta", "-E", "--exclude",
			"--exclude-tags=h", "--config-users", "--conf={}", "A", "B", "c d", "", "--nope", "-x", "--nope=1", "-ly=z", "i=j", "--=", "-l=",
		))
	}
	// ConfigArgParse inserts what it finds elsewhere into the command line, before
	// the first dash or at --, and so lets it take a place that it should not have:
	// a variable can win over -Hx. Here it does not, so there is nothing to compare.
	if r.IntN(3) == 0 {
		q.args = append(q.args, pick(r, "-", "-1", "-1.5", "-a b", "-.5", "--"), pick(r, "A", "--host", "-l", "--", ""))
		return q
	}
	value := func(o Option) string {
		switch {
		case o.Kind == Flag:
			return pick(r, "true", "False", "yes", "off", "1", "0")
		case o.Kind == List:
			return pick(r, "a", "a b", "a,b", "[a,b]", `["a b", 1]`, "[]", "", "true", "[a", "-1", "--host")
		}
		return pick(r, "a", "a b", "a,b", "", "no", "1", "x=y", "[a", "-1", "--host")
	}
	for _, o := range q.table {
		if o.Env != "" && r.IntN(4) == 0 {
			q.env[o.Env] = value(o)
		}
	}
	for n := range r.IntN(3) {
		var lines []string
		for range r.IntN(4) {
			o := q.table[r.IntN(len(q.table))]
			lines = append(lines, pick(r, "", "--")+o.Name()[2:]+pick(r, " = ", ": ", " ")+value(o))
		}
		q.files = append(q.files, [2]string{fmt.Sprintf("%d.conf", n), strings.Join(lines, "\n")})
	}
	return q
}

// answered is what this package makes of a question, in the form of peer.py.
func (q question) answered() (answer []any, err error) {
	texts, order := map[string]string{}, []string{}
	for _, file := range q.files {
		texts[file[0]] = file[1]
		order = append(order, file[0])
	}
	p, err := q.table.Parse(input(q.args, q.env, texts, order...))
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for _, o := range q.table {
		s, set := p.Setting(o.Name())
		switch key := o.Name()[2:]; {
		case o.Kind == Flag:
			values[key] = s.On
		case !set:
			values[key] = nil
		case o.Kind == Value:
			values[key] = s.Values[0]
		default:
			values[key] = anyOf(s.Values)
		}
	}
	return []any{values, anyOf(p.Arguments)}, nil
}

func anyOf(texts []string) []any {
	list := make([]any, 0, len(texts))
	for _, text := range texts {
		list = append(list, text)
	}
	return list
}

// twiceInAFile reports whether a file sets an option under both of its keys: then
// one counts here and the other one there.
func (q question) twiceInAFile() bool {
	for _, file := range q.files {
		keys := map[string]string{}
		for line := range strings.SplitSeq(file[1], "\n") {
			written := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" :=", r) })
			if len(written) == 0 {
				continue
			}
			key := strings.TrimPrefix(written[0], "--")
			if other, seen := keys[key]; seen && other != written[0] {
				return true
			}
			keys[key] = written[0]
		}
	}
	return false
}

func TestParseIsArgparses(t *testing.T) {
	random := rand.New(rand.NewPCG(20, 26))
	var questions []question
	var asked []any
	for len(questions) < 4000 {
		if q := randomQuestion(random); !q.twiceInAFile() {
			questions = append(questions, q)
			asked = append(asked, q.json())
		}
	}
	accepted := 0
	for i, want := range peer[any, []any](t, "argparse", asked) {
		got, err := questions[i].answered()
		q := questions[i]
		switch {
		case want == nil && err == nil:
			t.Errorf("%q %q %q: got %v, Python refuses it", q.args, q.env, q.files, got)
		case want != nil && (err != nil || !reflect.DeepEqual(got, *want)):
			t.Errorf("%q %q %q: got %v, %v; Python says %v", q.args, q.env, q.files, got, err, *want)
		case want != nil:
			accepted++
		}
	}
	if accepted < len(questions)/5 {
		t.Errorf("only %d of %d questions were accepted: they test too little", accepted, len(questions))
	}
}

func TestClosestIsDifflibs(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 7))
	var names []string
	for _, o := range table() {
		if o.Refused == "" {
			names = append(names, o.Names...)
		}
	}
	var asked []any
	var wrong []string
	for range 800 {
		word := []byte(names[random.IntN(len(names))])
		for range 1 + random.IntN(4) {
			at := random.IntN(len(word))
			switch random.IntN(3) {
			case 0:
				word = append(word[:at:at], word[at+1:]...)
			case 1:
				word = append(word[:at:at], append([]byte{"abehmostx-"[random.IntN(10)]}, word[at:]...)...)
			case 2:
				word[at] = "aeiost-"[random.IntN(7)]
			}
			if len(word) == 0 {
				word = []byte("-")
			}
		}
		wrong = append(wrong, string(word))
		asked = append(asked, []any{string(word), names})
	}
	for i, want := range peer[any, string](t, "close", asked) {
		if got := table().closest(wrong[i]); got != *want {
			t.Errorf("%q: %q, difflib says %q", wrong[i], got, *want)
		}
	}
}
