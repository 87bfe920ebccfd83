package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// serverEvent is any line of JSON that serve writes.
type serverEvent struct {
	Event       string            `json:"event"`
	URL         string            `json:"url"`
	ID          uint64            `json:"id"`
	Path        string            `json:"path"`
	Remote      string            `json:"remote"`
	Code        int               `json:"code"`
	Cause       string            `json:"cause"`
	Counts      map[string]uint64 `json:"counts"`
	Connections int               `json:"connections"`
	Count       uint64            `json:"count"`
	Total       uint64            `json:"total"`
	Refused     map[string]uint64 `json:"refused"`
	Ended       map[string]uint64 `json:"ended"`
	Balanced    bool              `json:"balanced"`
	Faulted     uint64            `json:"faulted"`
	Restarts    uint64            `json:"restarts"`
	Dropped     map[string]uint64 `json:"dropped"`
	Lost        uint64            `json:"events_dropped"`
}

// told parses a line, which must be one object that is known in full.
func (p *program) told(line string) (e serverEvent) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(line), &e); err != nil || e.Event == "" {
		p.t.Fatalf("%v in line %.200q", err, line)
	}
	return e
}

// tellings are the events that have been told so far.
func (p *program) tellings() (all []serverEvent) {
	p.t.Helper()
	text := p.stdout()
	for line := range strings.Lines(text[:strings.LastIndexByte(text, '\n')+1]) {
		all = append(all, p.told(line))
	}
	return all
}

// untilTold waits for an event and returns it.
func (p *program) untilTold(what string, ok func(serverEvent) bool) (found serverEvent) {
	p.t.Helper()
	p.until(p.out, what, func(string) bool {
		for _, e := range p.tellings() {
			if ok(e) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

// startServing starts "hawser serve --json" inside the test.
func startServing(t *testing.T, args ...string) *program {
	t.Helper()
	return start(t, append([]string{"serve", "--json", "--addr", "127.0.0.1:0"}, args...)...)
}

// connected is that a connection on a path is taken up.
func connected(path string) func(serverEvent) bool {
	return func(e serverEvent) bool { return e.Event == "connected" && e.Path == path }
}

func disconnected(path string) func(serverEvent) bool {
	return func(e serverEvent) bool { return e.Event == "disconnected" && e.Path == path }
}
