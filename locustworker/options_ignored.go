package locustworker

import "github.com/bandwing/bandwing/locustworker/internal/cmdline"

// meaninglessOptions are Locust's other options, as argument_parser.py of Locust
// 2.47.0 has them; a test holds them against the installed one. They are read
// and checked as there, and do nothing.
func meaninglessOptions() []option {
	var all []option
	add := func(check func(text string) error, o cmdline.Option) {
		all = append(all, option{Option: o, meaning: meaningless, take: checked(check)})
	}
	add(anyText, value("-f", "--locustfile").In("LOCUST_LOCUSTFILE"))
	add(aboveZero, value("-r", "--spawn-rate").In("LOCUST_SPAWN_RATE"))
	add(timeSpan, value("-t", "--run-time").In("LOCUST_RUN_TIME"))

	add(anyText, value("--web-host").In("LOCUST_WEB_HOST"))
	add(anyText, value("--web-host-display-name").In("LOCUST_WEB_HOST_DISPLAY_NAME"))
	add(wholeNumber, value("-P", "--web-port").In("LOCUST_WEB_PORT"))
	add(anyText, flag("--headless").In("LOCUST_HEADLESS"))
	add(anyText, flag("--autostart").In("LOCUST_AUTOSTART"))
	add(wholeNumber, value("--autoquit").In("LOCUST_AUTOQUIT"))
	add(anyText, flag("--headful").In("LOCUST_HEADFUL"))
	add(anyText, flag("--web-login").In("LOCUST_WEB_LOGIN"))
	add(anyText, value("--tls-cert").In("LOCUST_TLS_CERT"))
	add(anyText, value("--tls-key").In("LOCUST_TLS_KEY"))
	add(anyText, flag("--class-picker").In("LOCUST_USERCLASS_PICKER"))
	add(anyText, value("--build-path").In("LOCUST_BUILD_PATH"))
	add(anyText, value("--web-base-path").In("LOCUST_WEB_BASE_PATH"))

	add(anyText, value("--master-bind-host").In("LOCUST_MASTER_BIND_HOST"))
	add(wholeNumber, value("--master-bind-port").In("LOCUST_MASTER_BIND_PORT"))
	add(positive, value("--expect-workers").In("LOCUST_EXPECT_WORKERS"))
	add(wholeNumber, value("--expect-workers-max-wait").In("LOCUST_EXPECT_WORKERS_MAX_WAIT"))
	add(anyText, flag("--enable-rebalancing"))

	add(anyText, value("--csv").In("LOCUST_CSV"))
	add(anyText, flag("--csv-full-history").In("LOCUST_CSV_FULL_HISTORY"))
	add(anyText, flag("--print-stats").In("LOCUST_PRINT_STATS"))
	add(anyText, flag("--only-summary").In("LOCUST_ONLY_SUMMARY"))
	add(anyText, value("--html").In("LOCUST_HTML"))
	add(anyText, flag("--json"))
	add(anyText, value("--json-file"))
	add(anyText, value("--profile"))
	return append(append(all, unsupportedOptions()...), refusedOptions()...)
}

// unsupportedOptions are those that a Python worker obeys.
func unsupportedOptions() []option {
	return []option{
		{Option: flag("--equal-weights"), meaning: unsupported, take: nothing},
		{Option: flag("--otel").In("LOCUST_ENABLE_OPENTELEMETRY"), meaning: unsupported, take: nothing},
	}
}

// refusedOptions are those that Locust itself has replaced.
func refusedOptions() []option {
	refused := func(o cmdline.Option, because string) option {
		o.Refused = because
		return option{Option: o, meaning: meaningless}
	}
	return []option{
		refused(value("--web-auth").In("LOCUST_WEB_AUTH"), "was replaced by --web-login"),
		refused(flag("--legacy-ui").In("LOCUST_LEGACY_UI"), "does not exist any more"),
		refused(flag("--expect-slaves"), "is called --expect-workers now"),
		refused(flag("--slave"), "is called --worker now"),
	}
}
