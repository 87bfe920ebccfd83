package transport

import (
	"fmt"
	"strings"
	"testing"
)

func TestDecoderFailsAtTheFirstBadOctet(t *testing.T) {
	for _, bad := range []string{
		"\x80", "\xc0", "\xc1", "\xf5", "\xff", "abc\xbf", // never the start of a rune
		"\xe0\x80", "\xe0\x9f", "\xed\xa0", "\xf0\x8f", "\xf4\x90", // second octet out of range
		"\xc3(", "\xe2\x82(", "\xf0\x9f\x8c(", "κόσμε\xf4\x90", // continuation missing
		strings.Repeat("a", 300) + "\xe2\x82\xac\xe2(",
	} {
		// The text goes on for 500 bytes that never come. With first the bad one
		// is in the second fragment and the runes before it are cut.
		for _, first := range []string{"", "ok \xe2\x82", "\xf0\x9f\x8c"} {
			for role, s := range both(func(s *script) {
				op := opText
				if first != "" {
					s.frame(false, opText, first)
					op = opContinuation
				}
				end := map[string]string{"": "", "ok \xe2\x82": "\xac", "\xf0\x9f\x8c": "\x8d"}[first]
				s.frame(true, op, end+bad+strings.Repeat("z", 500))
				s.Truncate(s.Len() - 500)
			}) {
				t.Run(fmt.Sprintf("%x after %x/%s", bad, first, role), func(t *testing.T) {
					wire := s.Bytes()
					if got := decodeIn(t, wire[:len(wire)-1], s.server, Limits{}, nil); len(got.events) > 0 {
						t.Errorf("without the bad octet: %v", got)
					}
					wantEvents(t, s, Limits{}, violation(1007, badText))
				})
			}
		}
	}
}

func TestDecoderRefusesATextThatEndsWithinARune(t *testing.T) {
	for name, build := range map[string]func(s *script){
		"one frame":      func(s *script) { s.frame(true, opText, "abc\xe2\x82") },
		"empty last":     func(s *script) { s.frame(false, opText, "abc\xe2").frame(true, opContinuation, "") },
		"last fragment":  func(s *script) { s.frame(false, opText, "abc").frame(true, opContinuation, "\xf0\x9f\x8c") },
		"message before": func(s *script) { s.frame(false, opText, "\xc3").frame(true, opContinuation, "\xa9\xc3") },
	} {
		for role, s := range both(build) {
			t.Run(name+"/"+role, func(t *testing.T) { wantEvents(t, s, Limits{}, violation(1007, badText)) })
		}
	}
}

func TestDecoderDoesEachByteOfATextOnce(t *testing.T) {
	s := (&script{server: true}).frame(true, opText, strings.Repeat("é", 300))
	l := Limits{}.withDefaults(1 << 20)
	var d decoder
	d.init(true, &l)
	b := newBatch()
	defer b.Release()
	wire := s.Bytes()
	d.decode(wire[:201], b)
	if d.done != 201-8 {
		t.Fatalf("%d bytes are done", d.done)
	}
	if _, need := d.decode(wire[:201], b); need != len(wire) || d.done != 201-8 {
		t.Fatalf("need %d, %d bytes are done", need, d.done)
	}
	d.decode(wire, b)
	wantMessage := "text " + strings.Repeat("é", 300)
	if got := b.events(); len(got) != 1 || got[0] != wantMessage {
		t.Errorf("got %q", got)
	}
}
