package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/hawser-go/hawser/actors"
)

// timeline shows the demo to a person, or in JSON to a program.
type timeline struct {
	out   io.Writer
	json  bool
	paint palette
	start time.Time
}

// row is one line of it.
type row struct {
	name    string
	attempt int
	delay   string
	queued  int
	back    int
	text    string
}

const timelineHead = "     time  event             attempt  wait     queued  back  what happened\n"

func newTimeline(out *lineWriter, asJSON bool) *timeline {
	return &timeline{out: out, json: asJSON, paint: palette{on: wantsColour(out.w)}, start: time.Now()}
}

func (l *timeline) ms() int64 { return time.Since(l.start).Milliseconds() }

func (l *timeline) begin(o demoOptions) {
	if l.json {
		writeJSON(l.out, struct {
			Event   string  `json:"event"`
			AtMS    int64   `json:"at_ms"`
			Seconds float64 `json:"seconds"`
			Cuts    int     `json:"cuts"`
		}{"start", l.ms(), o.length.Seconds(), o.cuts})
		return
	}
	l.print("hawser demo: a client talks to a server; the link between them is cut %s in %s\n\n",
		times(o.cuts), short(o.length))
	l.print("%s", l.paint.colour(bold, timelineHead))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// state shows an event of the client. back is how many messages have come back.
func (l *timeline) state(e actors.Event, back int) {
	if l.json {
		writeJSON(l.out, struct {
			stateEvent
			AtMS int64 `json:"at_ms"`
			Back int   `json:"back"`
		}{newStateEvent(e, nil), l.ms(), back})
		return
	}
	r := row{name: e.Kind.String(), attempt: e.Attempt, queued: e.Queued, back: back}
	if e.Cause != nil {
		r.text = e.Cause.Error()
	}
	switch e.Kind {
	case actors.EventReconnecting:
		r.delay = short(e.Delay)
		r.text = "" // it stands in the line above, unless this attempt failed
		if e.Attempt > 1 {
			r.text = e.Cause.Error()
		}
	case actors.EventReady:
		if e.Queued > 0 {
			r.text = fmt.Sprintf("held messages go out: %d", e.Queued)
		}
	case actors.EventDisconnected:
		if e.Cause == nil {
			r.text = "closed on purpose, with 1000"
		}
	case actors.EventConnected, actors.EventReconnected:
		return // they come with Ready
	}
	l.show(r)
}

// cut announces that the link is about to be cut.
func (l *timeline) cut(n, of int, f fault, queued, back int) {
	if l.json {
		writeJSON(l.out, struct {
			Event  string `json:"event"`
			AtMS   int64  `json:"at_ms"`
			N      int    `json:"n"`
			Of     int    `json:"of"`
			How    string `json:"how"`
			Queued int    `json:"queued"`
			Back   int    `json:"back"`
		}{"cut", l.ms(), n, of, f.String(), queued, back})
		return
	}
	l.show(row{name: fmt.Sprintf("cut %d of %d", n, of), queued: queued, back: back, text: f.String()})
}

// caughtUp says that what had waited for the connection has come back.
func (l *timeline) caughtUp(n, queued, back int) {
	if l.json {
		writeJSON(l.out, struct {
			Event  string `json:"event"`
			AtMS   int64  `json:"at_ms"`
			Held   int    `json:"held"`
			Queued int    `json:"queued"`
			Back   int    `json:"back"`
		}{"caught_up", l.ms(), n, queued, back})
		return
	}
	l.show(row{name: "caught up", queued: queued, back: back, text: fmt.Sprintf("held messages that went through: %d", n)})
}

func (l *timeline) show(r row) {
	attempt := ""
	if r.attempt > 0 {
		attempt = strconv.Itoa(r.attempt)
	}
	at := time.Since(l.start).Seconds()
	line := fmt.Sprintf("%8.3fs  %s  %-7s  %-7s  %6d  %4d  %s",
		at, l.paint.event(r.name, 16), attempt, r.delay, r.queued, r.back, r.text)
	l.print("%s\n", strings.TrimRight(line, " "))
}

// ledger shows how it ended.
func (l *timeline) ledger(a account) {
	if l.json {
		a.AtMS = l.ms()
		writeJSON(l.out, a)
		return
	}
	var b strings.Builder
	line := func(name string, n uint64, remark string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-18s %6d  %s", name, n, remark), " ") + "\n")
	}
	b.WriteString("\n" + l.paint.colour(bold, "the ledger\n"))
	line("accepted", a.Accepted, "")
	line("  written", a.Written, "handed to the operating system")
	for r, n := range a.Dropped {
		if n > 0 {
			line("  dropped", n, r+reasonRemark(r))
		}
	}
	line("  unknown", a.Unknown, "the connection died while they were being written")
	line("  in flight", a.InFlight, "")
	line("came back", uint64(a.Back), "")
	line("written, no echo", uint64(a.Lost), "they or their echoes were on their way when the link was cut")
	line("twice", uint64(a.Duplicates), "")
	line("out of order", uint64(a.Disorder), "")
	b.WriteString("\n")
	if len(a.Problems) == 0 {
		b.WriteString(l.paint.colour(green, fmt.Sprintf("the books balance: %d accepted = %d written + %d dropped + %d unknown\n",
			a.Accepted, a.Written, a.Accepted-a.Written-a.Unknown, a.Unknown)))
	}
	for _, p := range a.Problems {
		b.WriteString(l.paint.colour(red, "PROBLEM: "+p) + "\n")
	}
	l.print("%s", b.String())
}

func reasonRemark(reason string) string {
	if reason == actors.Rejected.String() {
		return ": the middleware lets no drafts out"
	}
	return ""
}

func (l *timeline) print(format string, args ...any) {
	_, _ = fmt.Fprintf(l.out, format, args...)
}
