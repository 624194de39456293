package cli

// meaninglessOptions are Locust's other options, as argument_parser.py of Locust
// 2.47.0 has them; a test holds them against the installed one. They are read
// and checked as there, and do nothing.
func meaninglessOptions() []option {
	var all []option
	add := func(check func(text string) error, o Option) {
		all = append(all, option{Option: o, meaning: meaningless, take: checked(check)})
	}
	add(anyText, valueOption("-f", "--locustfile").In("LOCUST_LOCUSTFILE"))

	add(anyText, valueOption("--web-host").In("LOCUST_WEB_HOST"))
	add(anyText, valueOption("--web-host-display-name").In("LOCUST_WEB_HOST_DISPLAY_NAME"))
	add(wholeNumber, valueOption("-P", "--web-port").In("LOCUST_WEB_PORT"))
	add(anyText, flagOption("--autostart").In("LOCUST_AUTOSTART"))
	add(wholeNumber, valueOption("--autoquit").In("LOCUST_AUTOQUIT"))
	add(anyText, flagOption("--headful").In("LOCUST_HEADFUL"))
	add(anyText, flagOption("--web-login").In("LOCUST_WEB_LOGIN"))
	add(anyText, valueOption("--tls-cert").In("LOCUST_TLS_CERT"))
	add(anyText, valueOption("--tls-key").In("LOCUST_TLS_KEY"))
	add(anyText, flagOption("--class-picker").In("LOCUST_USERCLASS_PICKER"))
	add(anyText, valueOption("--build-path").In("LOCUST_BUILD_PATH"))
	add(anyText, valueOption("--web-base-path").In("LOCUST_WEB_BASE_PATH"))

	add(anyText, valueOption("--master-bind-host").In("LOCUST_MASTER_BIND_HOST"))
	add(wholeNumber, valueOption("--master-bind-port").In("LOCUST_MASTER_BIND_PORT"))
	add(positive, valueOption("--expect-workers").In("LOCUST_EXPECT_WORKERS"))
	add(wholeNumber, valueOption("--expect-workers-max-wait").In("LOCUST_EXPECT_WORKERS_MAX_WAIT"))
	add(anyText, flagOption("--enable-rebalancing"))
	return append(all, refusedOptions()...)
}

// refusedOptions are those that Locust itself has replaced.
func refusedOptions() []option {
	refused := func(o Option, because string) option {
		o.Refused = because
		return option{Option: o, meaning: meaningless}
	}
	return []option{
		refused(valueOption("--web-auth").In("LOCUST_WEB_AUTH"), "was replaced by --web-login"),
		refused(flagOption("--legacy-ui").In("LOCUST_LEGACY_UI"), "does not exist any more"),
		refused(flagOption("--expect-slaves"), "is called --expect-workers now"),
		refused(flagOption("--slave"), "is called --worker now"),
	}
}
