package locustworker

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxShown bounds what is shown of a body, in bytes.
const maxShown = 1000

// text writes an exchange for people.
func (e Exchange) text() string {
	text := "    " + e.URL + "\n" + indented(string(bytes.TrimSpace(e.RequestHead)), "    > ") + bodyText(e.RequestBody, "    > ")
	if e.Head == nil {
		return text
	}
	return text + indented(string(bytes.TrimSpace(e.Head)), "    < ") + bodyText(e.Body, "    < ")
}

// bodyText writes the beginning of a body, or its size if it is no text.
func bodyText(body []byte, prefix string) string {
	if len(body) == 0 {
		return ""
	}
	cut := body[:min(len(body), maxShown)]
	for n := 0; n < utf8.UTFMax && len(cut) < len(body) && !utf8.Valid(cut); n++ {
		cut = cut[:len(cut)-1] // in the middle of a character
	}
	if !utf8.Valid(cut) || bytes.IndexByte(cut, 0) >= 0 {
		return fmt.Sprintf("%s(%d bytes that are no text)\n", prefix, len(body))
	}
	text := indented(string(cut), prefix)
	if len(cut) < len(body) {
		text += fmt.Sprintf("%s… and %d bytes\n", prefix, len(body)-len(cut))
	}
	return text
}

// indented puts a prefix before each line.
func indented(text, prefix string) string {
	text = strings.ReplaceAll(strings.TrimRight(text, "\r\n"), "\r\n", "\n")
	if text == "" {
		return ""
	}
	return prefix + strings.ReplaceAll(text, "\n", "\n"+prefix) + "\n"
}
