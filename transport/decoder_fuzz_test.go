package transport

import (
	"slices"
	"strings"
	"testing"
)

// FuzzDecode feeds wire whole, in random pieces and byte by byte, as a server
// and as a client: no panic, no memory for what has not come, always the same
// result. decodeIn and everyCut judge the rest. Where no limit and no length is
// at fault and the last frame is whole, the plain decoder of the property tests
// must agree.
func FuzzDecode(f *testing.F) {
	for _, s := range seedScripts() {
		f.Add(s.Bytes(), uint64(7))
	}
	f.Fuzz(func(t *testing.T, wire []byte, seed uint64) {
		for _, server := range []bool{true, false} {
			l := Limits{MaxFrame: 3000, MaxMessage: 4000, MaxFragments: 20}
			if seed%2 == 0 {
				l = Limits{MaxMessage: -1, MaxFragments: -1}
			}
			whole := decodeIn(t, wire, server, l, nil)
			for _, cuts := range [][]int{randomCuts(len(wire), seed), everyOffset(min(len(wire), 2000))} {
				if r := decodeIn(t, wire, server, l, cuts); !r.equal(whole) {
					t.Fatalf("cut at %v: %v\nwhole: %v", cuts, r, whole)
				}
			}
			if want := judge(wire, server); !agree(whole.events, want) {
				t.Fatalf("server %v: %v\nthe plain decoder says %q", server, whole, want)
			}
		}
	})
}

// agree compares with what the plain decoder found. It sees neither limits nor
// lengths, and sees no fault in a frame that is not whole: behind such a fault,
// which is the last event, it may go on as it likes.
func agree(got, want []string) bool {
	if slices.Equal(got, want) {
		return true
	}
	if len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "transport: ") {
		return false
	}
	fault := got[len(got)-1]
	if onlyOurs(fault) {
		return messagesLead(got[:len(got)-1], want)
	}
	// The rest of the frame at fault has not come.
	return slices.Equal(got[:len(got)-1], want)
}

func onlyOurs(fault string) bool {
	for _, detail := range []string{badLength, badLength64, bigFrame, bigMessage, bigFragments} {
		if strings.Contains(fault, detail+" (") {
			return true
		}
	}
	return false
}

// messagesLead reports whether the messages of got are the first ones of want.
func messagesLead(got, want []string) bool {
	data := func(all []string) (m []string) {
		for _, s := range all {
			if strings.HasPrefix(s, "text ") || strings.HasPrefix(s, "binary ") {
				m = append(m, s)
			}
		}
		return m
	}
	g, w := data(got), data(want)
	return len(g) <= len(w) && slices.Equal(g, w[:len(g)])
}

// seedScripts are the beginnings from which the fuzzer goes on; more of them
// stand in testdata/fuzz.
func seedScripts() (all []*script) {
	for _, build := range []func(s *script){
		func(s *script) { s.frame(true, opText, "hello").frame(true, opPing, "?") },
		func(s *script) {
			s.frame(false, opText, "κ\xcf").frame(true, opPong, "").frame(true, opContinuation, "\x8c")
		},
		func(s *script) { s.frame(true, opBinary, strings.Repeat("x", 300)).frame(true, opClose, "\x03\xe8bye") },
		func(s *script) { s.frame(true, opText, "\xed\xa0\x80") },
		func(s *script) { s.raw(0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5) },
	} {
		for _, s := range both(build) {
			all = append(all, s)
		}
	}
	return all
}

// FuzzUTF8Checker cuts a text at random: it must fail at the same octet as when
// it comes byte by byte, and end like utf8.Valid.
func FuzzUTF8Checker(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte("ab"+text), uint8(3))
	}
	f.Fuzz(func(t *testing.T, p []byte, size uint8) {
		if len(p) > 64 {
			p = p[:64]
		}
		checkPieces(t, p, int(size)+1)
	})
}
