package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// reporter tells the user of connect what happens.
type reporter interface {
	state(e actors.Event)
	lines(batch []lineEvent)
	received(m transport.Message)
}

// stateEvent is an actors.Event in JSON.
type stateEvent struct {
	Event   string `json:"event"` // "state"
	Name    string `json:"name"`
	Attempt int    `json:"attempt"`
	DelayMS int64  `json:"delay_ms"`
	Queued  int    `json:"queued"`
	Cause   string `json:"cause,omitempty"`
	Status  int    `json:"status,omitempty"` // of HTTP, if the handshake was refused
	Code    int    `json:"code,omitempty"`   // of the close frame, if there was one
}

func newStateEvent(e actors.Event, hide *redactor) stateEvent {
	s := stateEvent{
		Event: "state", Name: e.Kind.String(), Attempt: e.Attempt,
		DelayMS: e.Delay.Round(time.Millisecond).Milliseconds(), Queued: e.Queued,
	}
	if e.Cause == nil {
		return s
	}
	s.Cause = hide.text(e.Cause.Error())
	var refused *transport.HandshakeError
	if errors.As(e.Cause, &refused) {
		s.Status = refused.Status
	}
	var closed interface{ CloseCode() uint16 }
	if errors.As(e.Cause, &closed) {
		s.Code = int(closed.CloseCode())
	}
	return s
}

// messageEvent is a received message in JSON.
type messageEvent struct {
	Event string `json:"event"` // "recv"
	Kind  string `json:"kind"`
	Data  string `json:"data"` // binary data in base64
}

// jsonReporter writes one object per line to stdout.
type jsonReporter struct {
	out  io.Writer
	hide *redactor
}

func (r *jsonReporter) state(e actors.Event) { writeJSON(r.out, newStateEvent(e, r.hide)) }

func (r *jsonReporter) lines(batch []lineEvent) { writeJSON(r.out, batch...) }

func (r *jsonReporter) received(m transport.Message) {
	e := messageEvent{Event: "recv", Kind: m.Kind.String()}
	if m.Kind == transport.Text {
		e.Data = string(m.Payload)
	} else {
		e.Data = base64.StdEncoding.EncodeToString(m.Payload)
	}
	writeJSON(r.out, e)
}

// writeJSON writes objects, each in a line of its own, in one write. A failing
// writer is noticed by those who own it.
func writeJSON[T any](w io.Writer, objects ...T) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, o := range objects {
		_ = enc.Encode(o) // plain structs: it cannot fail
	}
	_, _ = w.Write(b.Bytes())
}

// textReporter prints received messages to stdout and everything else to stderr.
type textReporter struct {
	out, err io.Writer
	screen   bool // out is a terminal, which must not be steered by strangers
	paint    palette
	start    time.Time
	hide     *redactor
}

func (r *textReporter) state(e actors.Event) {
	if e.Kind == actors.EventConnected || e.Kind == actors.EventReconnected {
		return // they stand beside Ready and say nothing more to a reader
	}
	r.note(e.At, e.Kind.String(), describe(e, r.hide))
}

// describe says in words what there is to an event.
func describe(e actors.Event, hide *redactor) string {
	var parts []string
	if e.Attempt > 0 {
		parts = append(parts, "attempt "+strconv.Itoa(e.Attempt))
	}
	if e.Kind == actors.EventReconnecting {
		parts = append(parts, "in "+short(e.Delay))
	}
	if e.Queued > 0 {
		parts = append(parts, fmt.Sprintf("%d queued", e.Queued))
	}
	if e.Cause != nil {
		parts = append(parts, hide.text(e.Cause.Error()))
	}
	return strings.Join(parts, ", ")
}

func (r *textReporter) lines(batch []lineEvent) {
	for _, e := range batch {
		switch e.Event {
		case "dropped":
			r.note(time.Now(), "dropped", fmt.Sprintf("line %d: %s", e.ID, e.Reason))
		case "unknown":
			r.note(time.Now(), "unknown", fmt.Sprintf("line %d: the connection was lost while it was being written", e.ID))
		}
	}
}

func (r *textReporter) note(at time.Time, name, text string) {
	line := fmt.Sprintf("%8.3fs  %s", at.Sub(r.start).Seconds(), r.paint.event(name, 16))
	if text != "" {
		line += "  " + text
	}
	_, _ = io.WriteString(r.err, strings.TrimRight(line, " ")+"\n")
}

func (r *textReporter) received(m transport.Message) {
	var b []byte
	switch {
	case m.Kind == transport.Binary:
		b = append(b, summary(m.Payload)...)
	case r.screen:
		b = append(b, harmless(m.Payload)...)
	default:
		b = append(b, m.Payload...)
	}
	_, _ = r.out.Write(append(b, '\n'))
}

// summary stands for bytes that are not for eyes.
func summary(p []byte) string {
	const shown = 16
	text := hex.EncodeToString(p[:min(len(p), shown)])
	switch {
	case len(p) == 0:
		return "<0 bytes binary>"
	case len(p) > shown:
		text += "…"
	}
	return fmt.Sprintf("<%d bytes binary: %s>", len(p), text)
}

// harmless makes control characters visible, so that nobody moves our cursor.
func harmless(p []byte) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return unicode.ReplacementChar
		}
		return c
	}, string(p))
}

// short is a duration as people say it.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "0ms"
	case d < 10*time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
