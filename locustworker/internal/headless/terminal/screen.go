package terminal

import (
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"
)

// A Screen is an output that keeps a view below all that is written to it. On
// anything but a terminal it writes on and draws nothing. Its methods are safe
// for concurrent use.
type Screen struct {
	out      io.Writer
	terminal *os.File // nil: none

	mu    sync.Mutex
	view  []string
	shown []int // characters of each line of the view on the terminal
}

// NewScreen returns a screen on an output. It draws when the output is a terminal
// that can move its cursor.
func NewScreen(out io.Writer, termName string) *Screen {
	s := &Screen{out: out}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) && termName != "dumb" {
		s.terminal = file
	}
	return s
}

// Size returns the columns and lines of the terminal as it is now, or false if
// there is none.
func (s *Screen) Size() (columns, lines int, ok bool) {
	if s.terminal == nil {
		return 0, 0, false
	}
	columns, lines, err := term.GetSize(int(s.terminal.Fd()))
	return columns, lines, err == nil && columns > 0 && lines > 0
}

// Write writes above the view.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.shown) == 0 {
		return s.out.Write(p)
	}
	text := s.erase() + string(p)
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if _, err := io.WriteString(s.out, text+s.paint()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Draw replaces the view; without lines there is none.
func (s *Screen) Draw(lines []string) {
	if s.terminal == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.erase()
	s.view = lines
	_, _ = io.WriteString(s.out, text+s.paint()) // a terminal that is gone needs no view
}

// erase returns what removes the view.
func (s *Screen) erase() string {
	if len(s.shown) == 0 {
		return ""
	}
	columns, lines, ok := s.Size()
	tall := 0
	for _, length := range s.shown {
		tall++
		if ok && length > columns { // the terminal was made narrower, and broke the line
			tall += (length - 1) / columns
		}
	}
	if ok {
		tall = min(tall, lines-1)
	}
	s.shown = nil
	return strings.Repeat("\x1b[A", tall) + "\r\x1b[J" // up, to the first column, clear what is below
}

// paint returns what shows the view, cut to the terminal.
func (s *Screen) paint() string {
	columns, lines, ok := s.Size()
	if !ok || lines < 2 {
		return ""
	}
	view := s.view[:min(len(s.view), lines-1)]
	var text strings.Builder
	for _, line := range view {
		line = cut(line, columns)
		s.shown = append(s.shown, utf8.RuneCountInString(line))
		text.WriteString(line + "\x1b[K\n")
	}
	return text.String()
}

// cut shortens a text to so many characters.
func cut(text string, width int) string {
	runes := []rune(text)
	switch {
	case len(runes) <= width:
		return text
	case width < 1:
		return ""
	}
	return string(runes[:width-1]) + "…"
}
