package cli

import (
	"regexp"
	"slices"
)

// plainWord is what a name of ASCII letters must look like; Python takes more, but
// folds some letters into others.
var plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// plainName reports whether a class or a task can be written under its own name
// in a locustfile: Python takes it as an identifier, and it hides nothing that
// Locust or the file itself needs.
func plainName(name string) bool {
	return plainWord.MatchString(name) && !slices.Contains(pythonKeywords, name) && !slices.Contains(usedByLocust, name)
}

var pythonKeywords = []string{
	"False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
	"except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
	"return", "try", "while", "with", "yield",
}

// usedByLocust are the attributes of users and task sets, and the names that a
// stub uses.
var usedByLocust = []string{
	"abstract", "client", "context", "current", "environment", "execute_next_task", "execute_task", "fixed_count", "fullname",
	"functions", "get_next_task", "greenlet", "group", "host", "interrupt", "json", "max_wait", "min_wait", "on_start", "on_stop",
	"parent", "run", "schedule_task", "start", "stop", "tasks", "transitions", "user", "wait", "wait_function", "wait_time", "weight",
	"locust_tag_set", "locust_task_weight",
	"MarkovTaskSet", "MasterRunner", "RuntimeError", "SequentialTaskSet", "TaskSet", "User", "between", "constant",
	"constant_pacing", "constant_throughput", "events", "getattr", "gevent", "globals", "isinstance", "logging",
	"obey_go_workers", "poisson", "tag", "task",
}
