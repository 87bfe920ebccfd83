package main

import (
	"slices"
)

// history is the last lines of a room, the oldest first. It is bounded in lines and
// in bytes.
type history struct {
	lines []said
	bytes int
	last  uint64 // the number of the latest line; 0: nobody has spoken
}

const (
	historyLines = 200
	historyBytes = 64 << 10
	lineBytes    = 160 // what a line costs beside its text, name and id
)

// find returns the line with that id, if it is still known.
func (h *history) find(id string) (said, bool) {
	i := slices.IndexFunc(h.lines, func(l said) bool { return l.ID == id })
	if i < 0 {
		return said{}, false
	}
	return h.lines[i], true
}

// add keeps a line, whose number is the next. The oldest make room.
func (h *history) add(l said) {
	h.last = l.Seq
	h.lines = append(h.lines, l)
	h.bytes += l.size()
	for len(h.lines) > historyLines || h.bytes > historyBytes {
		h.bytes -= h.lines[0].size()
		h.lines[0] = said{}
		h.lines = h.lines[1:]
	}
}

// since returns the lines behind a number, and whether some of them are forgotten.
func (h *history) since(seq uint64) (lines []said, missed bool) {
	first := h.last - uint64(len(h.lines)) // the number before the oldest that is known
	if seq >= h.last {
		return []said{}, false
	}
	return h.lines[max(seq, first)-first:], seq < first
}

func (s said) size() int { return len(s.ID) + len(s.Name) + len(s.Text) + lineBytes }
