package main

import (
	"strings"
	"testing"
)

func TestHistoryIsBoundedInLinesAndInBytes(t *testing.T) {
	for _, size := range []int{1, 100, 1000, 4 * maxText} {
		var h history
		for n := range uint64(3 * historyLines) {
			h.add(said{Seq: n + 1, ID: lineID(int(n)), Text: strings.Repeat("x", size)})
			bytes := 0
			for _, l := range h.lines {
				bytes += l.size()
			}
			if len(h.lines) > historyLines || bytes > historyBytes || bytes != h.bytes {
				t.Fatalf("texts of %d: %d lines, %d bytes, counted as %d", size, len(h.lines), bytes, h.bytes)
			}
		}
		if lines, _ := h.since(0); len(lines) == 0 || lines[len(lines)-1].Seq != 3*historyLines {
			t.Errorf("texts of %d: %d lines are left, and not the last ones", size, len(lines))
		}
	}
}
