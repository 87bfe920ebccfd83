package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// screen shows what happens, to a person or in JSON to a program. On a terminal the
// table of prices stays below what has happened; anywhere else it is a line now and
// then.
type screen struct {
	out   io.Writer
	json  bool
	live  bool // out is a terminal
	start time.Time

	mu     sync.Mutex
	footer []string
}

// note is something that happened.
type note struct {
	Event      string `json:"event"`
	AtMS       int64  `json:"at_ms"`
	Connection uint64 `json:"connection,omitempty"`
	DelayMS    int64  `json:"delay_ms,omitempty"` // until the next attempt
	Missed     int    `json:"missed,omitempty"`   // prices
	Text       string `json:"text"`
}

const screenHead = "     time  conn  event         what happened"

func newScreen(out io.Writer, asJSON bool) *screen {
	return &screen{out: out, json: asJSON, live: !asJSON && isTerminal(out), start: time.Now()}
}

// isTerminal reports whether w is a screen rather than a file or a pipe.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (s *screen) ms() int64 { return time.Since(s.start).Milliseconds() }

// note shows something that happened now.
func (s *screen) note(n note) {
	n.AtMS = s.ms()
	if s.json {
		n.Event = strings.ReplaceAll(n.Event, " ", "_")
		s.object(n)
		return
	}
	conn := ""
	if n.Connection > 0 {
		conn = fmt.Sprintf("#%d", n.Connection)
	}
	s.print(fmt.Sprintf("%8.3fs  %-4s  %-12s  %s", float64(n.AtMS)/1000, conn, n.Event, n.Text))
}

// object writes one JSON object.
func (s *screen) object(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs and actors.Stats
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.out.Write(append(b, '\n'))
}

// print writes lines above the footer.
func (s *screen) print(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	s.erase(&b)
	for _, l := range lines {
		b.WriteString(strings.TrimRight(l, " ") + "\n")
	}
	s.draw(&b)
	_, _ = io.WriteString(s.out, b.String())
}

// width is what every terminal has. A footer that is wider could not be erased, for
// nobody would know how many lines it takes.
const width = 79

// foot changes the footer; nil takes it away.
func (s *screen) foot(lines []string) {
	if !s.live {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	s.erase(&b)
	s.footer = nil
	for _, l := range lines {
		r := []rune(l)
		s.footer = append(s.footer, string(r[:min(len(r), width)]))
	}
	s.draw(&b)
	_, _ = io.WriteString(s.out, b.String())
}

// erase goes back to the first line of the footer, and clears all from there.
func (s *screen) erase(b *strings.Builder) {
	if len(s.footer) > 0 {
		fmt.Fprintf(b, "\x1b[%dF\x1b[J", len(s.footer))
	}
}

func (s *screen) draw(b *strings.Builder) {
	for _, l := range s.footer {
		b.WriteString(strings.TrimRight(l, " ") + "\n")
	}
}
