package actors

import (
	"strings"
	"testing"
)

func control(frames string) *sendControl {
	m := newControl()
	m.frames = append(m.frames, frames...)
	return m
}

func TestControlFramesThatPileUp(t *testing.T) {
	full := strings.Repeat("f", controlLimit)
	for _, c := range []struct {
		name          string
		waits, comes  string
		begun, closed bool
		want          string
	}{
		{"alone", "", "a", false, false, "a"},
		{"behind others", "a", "b", false, false, "ab"},
		{"up to the limit", full[:controlLimit-1], "b", false, false, full[:controlLimit-1] + "b"},
		{"the latest above it", full, "b", false, false, "b"},
		{"never in the middle of a frame", full, "b", true, false, full},
		{"behind a frame that has begun", "a", "b", true, false, "ab"},
		{"not behind the close frame", "a", "b", false, true, "a"},
		{"none", "a", "", false, false, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &writer{inControl: c.begun, finished: c.closed}
			if c.waits != "" {
				w.queue(control(c.waits))
				if c.closed {
					w.control = control(c.waits)
				}
			}
			w.queue(control(c.comes))
			if got := string(w.control.frames); got != c.want {
				t.Errorf("%d bytes wait, %.20q; want %d, %.20q", len(got), got, len(c.want), c.want)
			}
		})
	}
}
