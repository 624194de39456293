package locustworker

import "regexp"

var userInfo = regexp.MustCompile("://[^\\s\"'`<>]*@")

// HidePasswords returns a text with *** in the place of the user and the password of
// each URL in it. Use it for what goes into logs, errors and reports. What is before
// the last @ of a URL counts as its user, since a password that is not escaped
// may hold any character.
func HidePasswords(text string) string { return userInfo.ReplaceAllString(text, "://***@") }
