package transport

import (
	"fmt"
	"strings"
	"testing"
)

func violation(code CloseCode, detail string) string {
	return (&ProtocolError{Code: code, Detail: detail}).Error()
}

func TestDecoderYieldsWhatThePeerSent(t *testing.T) {
	long := strings.Repeat("0123456789", 20)
	for _, c := range []struct {
		name  string
		build func(s *script)
		want  []string
		half  bool // the last frame is cut short
	}{
		{"nothing", func(s *script) {}, nil, false},
		{"a text", func(s *script) { s.frame(true, opText, "hello") }, []string{"text hello"}, false},
		{"an empty text", func(s *script) { s.frame(true, opText, "") }, []string{"text "}, false},
		{"a binary that is no UTF-8", func(s *script) { s.frame(true, opBinary, "\xff\x00") }, []string{"binary \xff\x00"}, false},
		{"a text of three octet runes", func(s *script) { s.frame(true, opText, "κόσμε 世界 🌍") }, []string{"text κόσμε 世界 🌍"}, false},
		{"several messages in order", func(s *script) {
			s.frame(true, opText, "one").frame(true, opBinary, "two").frame(true, opText, long)
		}, []string{"text one", "binary two", "text " + long}, false},
		{"a fragmented text, cut within a rune", func(s *script) {
			s.frame(false, opText, "κ\xcf").frame(false, opContinuation, "").frame(true, opContinuation, "\x8c!")
		}, []string{"text κ\xcf\x8c!"}, false},
		{"a fragmented binary", func(s *script) {
			s.frame(false, opBinary, "\xff").frame(true, opContinuation, "\xfe")
		}, []string{"binary \xff\xfe"}, false},
		{"a fragmented message of nothing", func(s *script) {
			s.frame(false, opText, "").frame(true, opContinuation, "")
		}, []string{"text "}, false},
		{"a second message behind a fragmented one", func(s *script) {
			s.frame(false, opText, "a").frame(true, opContinuation, "b").frame(true, opBinary, "\xff").frame(false, opBinary, "\xcf").frame(true, opContinuation, "\xff")
		}, []string{"text ab", "binary \xff", "binary \xcf\xff"}, false},
		{"control frames between fragments", func(s *script) {
			s.frame(false, opText, "κ\xcf").frame(true, opPing, "\xff").frame(true, opPong, "").frame(true, opContinuation, "\x8c")
		}, []string{"text κ\xcf\x8c", "ping \xff", "pong "}, false},
		{"control frames of 125 bytes", func(s *script) {
			s.frame(true, opPing, long[:125]).frame(true, opPong, long[:125])
		}, []string{"ping " + long[:125], "pong " + long[:125]}, false},
		{"a close frame without a code", func(s *script) { s.frame(true, opClose, "") }, []string{"close 1005 "}, false},
		{"a close frame with a code", func(s *script) { s.frame(true, opClose, "\x03\xe8") }, []string{"close 1000 "}, false},
		{"a close frame with a reason", func(s *script) { s.frame(true, opClose, "\x13\x87"+long[:120]+"é!") }, []string{"close 4999 " + long[:120] + "é!"}, false},
		{"a close frame between fragments", func(s *script) {
			s.frame(false, opText, "half").frame(true, opClose, "\x03\xe9bye")
		}, []string{"close 1001 bye"}, false},
		{"nothing behind a close frame", func(s *script) {
			s.frame(true, opText, "before").frame(true, opClose, "\x03\xe8").frame(true, opText, "after").raw(0xff, 0xff)
		}, []string{"text before", "close 1000 "}, false},
		{"half a frame behind a message", func(s *script) {
			s.frame(true, opText, "whole").frame(true, opBinary, "half")
			s.Truncate(s.Len() - 1)
		}, []string{"text whole"}, true},
	} {
		for role, s := range both(c.build) {
			t.Run(c.name+"/"+role, func(t *testing.T) {
				got := everyCut(t, s.Bytes(), s.server, Limits{})
				want := result{events: c.want}
				if c.half {
					_, want.rest = frames(s.Bytes())
				}
				if !got.equal(want) {
					t.Errorf("got  %v\nwant %v", got, want)
				}
			})
		}
	}
}

func TestDecoderRefusesWhatTheRFCForbids(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(s *script)
		want  string
	}{
		{"RSV1", func(s *script) { s.raw(0xc1) }, violation(1002, badReserved)},
		{"RSV2", func(s *script) { s.raw(0xa1) }, violation(1002, badReserved)},
		{"RSV3 on a ping", func(s *script) { s.raw(0x99) }, violation(1002, badReserved)},
		{"opcode 3", func(s *script) { s.raw(0x83) }, violation(1002, badOpcode)},
		{"opcode 7", func(s *script) { s.raw(0x87) }, violation(1002, badOpcode)},
		{"opcode 11", func(s *script) { s.raw(0x8b) }, violation(1002, badOpcode)},
		{"opcode 15", func(s *script) { s.raw(0x8f) }, violation(1002, badOpcode)},
		{"a fragmented ping", func(s *script) { s.raw(0x09) }, violation(1002, badControl)},
		{"a fragmented close", func(s *script) { s.raw(0x08) }, violation(1002, badControl)},
		{"a continuation of nothing", func(s *script) { s.raw(0x80) }, violation(1002, badContinue)},
		{"a continuation behind the last one", func(s *script) {
			s.frame(false, opText, "").frame(true, opContinuation, "").raw(0x80)
		}, "text |" + violation(1002, badContinue)},
		{"a text inside a text", func(s *script) { s.frame(false, opText, "a").raw(0x81) }, violation(1002, badStart)},
		{"a binary inside an empty text", func(s *script) { s.frame(false, opText, "").raw(0x02) }, violation(1002, badStart)},
	} {
		for role, s := range both(c.build) {
			if s.server {
				s.raw(0x80) // the second byte: masked, no payload
			} else {
				s.raw(0)
			}
			t.Run(c.name+"/"+role, func(t *testing.T) { wantEvents(t, s, Limits{}, c.want) })
		}
	}
}

func TestDecoderRefusesTheWrongMaskBit(t *testing.T) {
	toServer := &script{}
	toServer.frame(true, opText, "clear")
	toServer.server = true
	wantEvents(t, toServer, Limits{}, violation(1002, badUnmasked))

	toClient := &script{server: true}
	toClient.frame(true, opText, "masked")
	toClient.server = false
	wantEvents(t, toClient, Limits{}, violation(1002, badMasked))
}

func TestDecoderRefusesBadLengths(t *testing.T) {
	for _, c := range []struct {
		name string
		head []byte
		want string
	}{
		{"125 in 16 bits", []byte{0x82, 126, 0, 125}, violation(1002, badLength)},
		{"0 in 16 bits", []byte{0x82, 126, 0, 0}, violation(1002, badLength)},
		{"65535 in 64 bits", []byte{0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, violation(1002, badLength)},
		{"top bit of 64", []byte{0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 1}, violation(1002, badLength64)},
		{"all bits of 64", []byte{0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255}, violation(1002, badLength64)},
		{"all bits of 63", []byte{0x82, 127, 127, 255, 255, 255, 255, 255, 255, 255}, violation(1009, bigFrame)},
		{"a ping of 126", []byte{0x89, 126}, violation(1002, badControl)},
		{"a close of 64 bits", []byte{0x88, 127}, violation(1002, badControl)},
	} {
		for role, s := range both(func(s *script) {
			if s.server {
				c.head[1] |= maskBit
			} else {
				c.head[1] &^= maskBit
			}
			s.raw(c.head...)
		}) {
			t.Run(c.name+"/"+role, func(t *testing.T) { wantEvents(t, s, Limits{MaxMessage: -1}, c.want) })
		}
	}
}

func TestDecoderRefusesBadCloseFrames(t *testing.T) {
	for _, c := range []struct {
		payload string
		want    string
	}{
		{"\x03", violation(1002, badCloseSize)},
		{"\x00\x00", violation(1002, badCloseCode)},
		{"\x03\xe7", violation(1002, badCloseCode)}, // 999
		{"\x03\xec", violation(1002, badCloseCode)}, // 1004
		{"\x03\xed", violation(1002, badCloseCode)}, // 1005
		{"\x03\xee", violation(1002, badCloseCode)}, // 1006
		{"\x03\xf7", violation(1002, badCloseCode)}, // 1015
		{"\x0b\xb7", violation(1002, badCloseCode)}, // 2999
		{"\x13\x88", violation(1002, badCloseCode)}, // 5000
		{"\x03\xe8\xce\xba\xff", violation(1007, badCloseReason)},
		{"\x03\xe8\xce", violation(1007, badCloseReason)},
		{"\x03\xed\xff", violation(1002, badCloseCode)},
	} {
		for role, s := range both(func(s *script) { s.frame(true, opClose, c.payload) }) {
			t.Run(fmt.Sprintf("%x/%s", c.payload, role), func(t *testing.T) { wantEvents(t, s, Limits{}, c.want) })
		}
	}
}

// wantEvents wants events, parted by |, however the script is cut.
func wantEvents(t *testing.T, s *script, l Limits, want string) {
	t.Helper()
	if got := strings.Join(everyCut(t, s.Bytes(), s.server, l).events, "|"); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestDecoderKeepsTheLatestPings(t *testing.T) {
	for role, s := range both(func(s *script) {
		s.frame(true, opPong, "first")
		for i := range 3 * keptControl {
			s.frame(true, opPing, fmt.Sprint(i))
		}
		s.frame(true, opPong, "last")
	}) {
		t.Run(role, func(t *testing.T) {
			want := "pong first"
			for i := range keptControl {
				want += fmt.Sprint("|ping ", 2*keptControl+i)
			}
			wantEvents(t, s, Limits{}, want+"|pong last")
		})
	}
}
