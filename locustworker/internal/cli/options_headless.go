package cli

// headlessOptions are about a run without a master.
func headlessOptions() []option {
	return []option{
		{
			Option: flagOption("--headless").In("LOCUST_HEADLESS"),
			help:   "Run the test now, in this process and without a master.",
			take:   setFlag(func(s *invocation) *bool { return &s.Headless.On }),
		},
		{
			Option:  valueOption("-u", "--users").In("LOCUST_USERS"),
			metavar: "<int>",
			help:    "Number of users, also for --show-task-ratio. Default 1.",
			take:    setInt(func(s *invocation) *int { return &s.Users }),
			meaning: headlessOnly,
		},
		{
			Option:  valueOption("-r", "--spawn-rate").In("LOCUST_SPAWN_RATE"),
			metavar: "<float>",
			help:    "Users to start, or to stop, in a second. Default 1.",
			take:    setSpawnRate,
			meaning: headlessOnly,
		},
		{
			Option:  valueOption("-t", "--run-time").In("LOCUST_RUN_TIME"),
			metavar: "<time>",
			help:    "End after so long, as 20, 20s, 3m or 1h20m. Default: run until Ctrl-C.",
			take:    setRunTime,
			meaning: headlessOnly,
		},
		{
			Option:  ownValue("--shape", "LOAD_SHAPE"),
			metavar: "<name>",
			help:    "Let a load shape of the program set the number of users, in the place of --users, --spawn-rate and --run-time.",
			take:    setText(func(s *invocation) *string { return &s.Headless.Shape }),
			meaning: headlessOnly,
		},
		{
			Option:  flagOption("--only-summary").In("LOCUST_ONLY_SUMMARY"),
			help:    "Show no figures before the end of the run.",
			take:    setFlag(func(s *invocation) *bool { return &s.Headless.OnlySummary }),
			meaning: headlessOnly,
		},
		{
			Option:  flagOption("--print-stats").In("LOCUST_PRINT_STATS"),
			help:    "Show figures while the run goes on, which is the default.",
			take:    nothing,
			meaning: headlessOnly,
		},
	}
}

// thresholdOptions are about how the run is judged.
func thresholdOptions() []option {
	return []option{
		{
			Option:  ownEach("--threshold", "LOCUST_THRESHOLD"),
			metavar: "<rule>",
			help: "Judge the run by a rule such as 'p(95) < 200ms', 'fail_ratio < 1%' or 'name:/path: p(99) < 50ms' (docs/headless.md). " +
				"May be given several times.",
			take:    setList(func(s *invocation) *[]string { return &s.Headless.Thresholds }),
			meaning: headlessOnly,
		},
		{
			Option:  ownFlag("--abort-on-threshold", "LOCUST_ABORT_ON_THRESHOLD"),
			help:    "End the run when a threshold is breached, and do not wait for its end.",
			take:    setFlag(func(s *invocation) *bool { return &s.Headless.AbortOnThreshold }),
			meaning: headlessOnly,
		},
	}
}

// reportOptions are about what a run without a master leaves.
func reportOptions() []option {
	text := func(o Option, metavar, help string, at func(*Headless) *string) option {
		return option{Option: o, metavar: metavar, help: help, meaning: headlessOnly, take: setText(func(s *invocation) *string { return at(&s.Headless) })}
	}
	flag := func(o Option, help string, at func(*Headless) *bool) option {
		return option{Option: o, help: help, meaning: headlessOnly, take: setFlag(func(s *invocation) *bool { return at(&s.Headless) })}
	}
	return []option{
		text(valueOption("--csv").In("LOCUST_CSV"), "<prefix>", "Write Locust's CSV files: <prefix>_stats.csv, _stats_history.csv, _failures.csv and _exceptions.csv.",
			func(h *Headless) *string { return &h.CSV }),
		flag(flagOption("--csv-full-history").In("LOCUST_CSV_FULL_HISTORY"), "Write a line for each row to _stats_history.csv, not for all requests only.",
			func(h *Headless) *bool { return &h.CSVHistory }),
		flag(flagOption("--json"), "Print the rows as JSON on the standard output at the end.", func(h *Headless) *bool { return &h.JSON }),
		text(valueOption("--json-file"), "<name>", "Write the same to <name>.json.", func(h *Headless) *string { return &h.JSONFile }),
		text(valueOption("--html").In("LOCUST_HTML"), "<filename>",
			"Write a page with charts and tables; {u}, {r} and {t} in the name stand for users, spawn rate and run time.",
			func(h *Headless) *string { return &h.HTML }),
		text(ownValue("--junit", "LOCUST_JUNIT"), "<filename>", "Write the thresholds as JUnit's XML, for a CI.", func(h *Headless) *string { return &h.JUnit }),
	}
}
