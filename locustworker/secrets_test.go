package locustworker

import "testing"

func TestHidePasswords(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "",
		"http://h:80/x":                        "http://h:80/x",
		"ann@example.org":                      "ann@example.org",
		"http://u:pw@h/x":                      "http://***@h/x",
		"redis://:p/a@s?s@h:1":                 "redis://***@h:1",
		`parse "http://u:pw@[::1": missing ]`:  `parse "http://***@[::1": missing ]`,
		"http://a:b@h, then http://c@i and @j": "http://***@h, then http://***@i and @j",
	} {
		if got := HidePasswords(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
