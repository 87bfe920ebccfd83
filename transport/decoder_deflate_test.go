package transport

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// withTakeover makes the state of a connection that keeps the windows.
func withTakeover() *deflation {
	return newDeflation(true, Compression{}, &deflateParams{})
}

func withoutTakeover() *deflation {
	return newDeflation(true, Compression{}, &deflateParams{serverFresh: true, clientFresh: true})
}

// Every combination of reserved bits, opcode and place in a message. RSV1 on the
// first frame of a data message is the only one that is legal, and only where
// permessage-deflate was agreed (RFC 7692 §6.1).
func TestReservedBitsAreLegalOnlyOnTheFirstFrame(t *testing.T) {
	const hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"
	legal, illegal := 0, 0
	for _, agreed := range []bool{false, true} {
		for rsv := byte(1); rsv < 8; rsv++ {
			for _, inside := range []string{"", "plain", "packed"} {
				for _, op := range []byte{opContinuation, opText, opBinary, 3, 7, opClose, opPing, opPong, 11} {
					for _, fin := range []bool{false, true} {
						if inside == "packed" && !agreed {
							continue
						}
						good := agreed && rsv == 4 && inside == "" && (op == opText || op == opBinary)
						for role, s := range both(func(s *script) {
							switch inside {
							case "plain":
								s.frame(false, opBinary, "x")
							case "packed":
								s.packed(false, opBinary, hello[:2])
							}
							s.reserved(rsv, fin, op, hello)
							if good && !fin {
								s.frame(true, opContinuation, "")
							}
						}) {
							z := func() *deflation { return nil }
							if agreed {
								z = withoutTakeover
							}
							got := strings.Join(everyCutWith(t, z, s.Bytes(), s.server, Limits{}).events, "|")
							name := fmt.Sprintf("%s, agreed %v, rsv %03b, inside %q, opcode %d, fin %v", role, agreed, rsv, inside, op, fin)
							switch {
							case good && got != Kind(op).String()+" Hello":
								t.Errorf("%s: got %q", name, got)
							case !good && !strings.HasSuffix(got, "(1002)"):
								t.Errorf("%s: got %q", name, got)
							case good:
								legal++
							default:
								illegal++
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d legal and %d illegal combinations", legal, illegal)
}

func TestDecoderInflatesWhatThePeerSent(t *testing.T) {
	const hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"
	long := strings.Repeat("κόσμε 世界 🌍 ", 200)
	packed := string(deflated(t, []byte(long), 6))
	for _, c := range []struct {
		name  string
		build func(s *script)
		want  string
	}{
		{"a text", func(s *script) { s.packed(true, opText, hello) }, "text Hello"},
		{"a binary", func(s *script) { s.packed(true, opBinary, hello) }, "binary Hello"},
		{"nothing", func(s *script) { s.packed(true, opText, "\x00") }, "text "},
		{"nothing without a byte", func(s *script) { s.packed(true, opText, "") }, "text "},
		{"nothing in fragments", func(s *script) { s.packed(false, opText, "").frame(true, opContinuation, "\x00") }, "text "},
		{"nothing without a byte in fragments", func(s *script) { s.packed(false, opBinary, "").frame(true, opContinuation, "") }, "binary "},
		{"§7.2.3.1, in fragments", func(s *script) {
			s.packed(false, opText, "\xf2\x48\xcd").frame(true, opContinuation, "\xc9\xc9\x07\x00")
		}, "text Hello"},
		{"an uncompressed message among compressed ones", func(s *script) {
			s.packed(true, opText, hello).frame(true, opText, "plain").packed(true, opText, "\xf2\x00\x11\x00\x00")
		}, "text Hello|text plain|text Hello"},
		{"an uncompressed message in fragments behind a compressed one in fragments", func(s *script) {
			s.packed(false, opText, hello[:3]).frame(true, opContinuation, hello[3:]).frame(false, opText, "a").frame(true, opContinuation, "b")
		}, "text Hello|text ab"},
		{"control frames between fragments", func(s *script) {
			s.packed(false, opText, hello[:1]).frame(true, opPing, "?").frame(false, opContinuation, hello[1:5]).frame(true, opPong, "").frame(true, opContinuation, hello[5:])
		}, "text Hello|ping ?|pong "},
		{"a close frame within", func(s *script) {
			s.packed(false, opText, hello[:1]).frame(true, opClose, "\x03\xe8")
		}, "close 1000 "},
		{"a long text", func(s *script) { s.packed(true, opText, packed) }, "text " + long},
		{"a text that is not UTF-8", func(s *script) {
			s.packed(true, opText, string(deflated(t, []byte("κ\xcf"), 6)))
		}, violation(1007, badText)},
		{"a binary that is not UTF-8", func(s *script) {
			s.packed(true, opBinary, string(deflated(t, []byte("κ\xcf"), 6)))
		}, "binary κ\xcf"},
		{"compressed bytes that are no UTF-8 are none of a text's", func(s *script) {
			s.packed(true, opText, hello).packed(true, opText, "\x02\x00").frame(true, opText, "\xff")
		}, "text Hello|text |" + violation(1007, badText)},
		{"corrupt data", func(s *script) { s.packed(true, opText, hello).packed(true, opText, "Hello") }, "text Hello|" + violation(1007, badDeflate)},
		{"corrupt data in fragments", func(s *script) { s.packed(false, opText, "H").frame(true, opContinuation, "ello") }, violation(1007, badDeflate)},
	} {
		for role, s := range both(c.build) {
			t.Run(c.name+"/"+role, func(t *testing.T) {
				got := everyCutWith(t, withTakeover, s.Bytes(), s.server, Limits{})
				if events := strings.Join(got.events, "|"); events != c.want || got.rest != 0 {
					t.Errorf("got  %v\nwant %q", got, c.want)
				}
			})
		}
	}
}

// A compressed message may be cut into frames at every byte, and a ping stand in
// each gap.
func TestCompressedMessagesMayBeCutAnywhere(t *testing.T) {
	text := strings.Repeat("cut me where you like, κόσμε ", 8)
	packed := string(deflated(t, []byte(text), 6))
	want := "text " + text
	for role, s := range both(func(*script) {}) {
		for i := range len(packed) + 1 {
			s.Reset()
			s.packed(false, opText, packed[:i]).frame(true, opPing, "").frame(true, opContinuation, packed[i:])
			got := strings.Join(decodeWith(t, withoutTakeover(), s.Bytes(), s.server, Limits{}, nil).events, "|")
			if got != want+"|ping " {
				t.Fatalf("%s, cut at %d: %q", role, i, got)
			}
		}
		s.Reset()
		s.packed(false, opText, "")
		for i := range len(packed) {
			s.frame(false, opContinuation, packed[i:i+1])
		}
		s.frame(true, opContinuation, "")
		wantEventsWith(t, withTakeover, s, Limits{}, want)
	}
}

func wantEventsWith(t *testing.T, z func() *deflation, s *script, l Limits, want string) {
	t.Helper()
	if got := strings.Join(everyCutWith(t, z, s.Bytes(), s.server, l).events, "|"); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestLimitsHoldForCompressedMessages(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	packed := string(deflated(t, []byte(x(1000)), 9))
	wire := len(packed)
	for _, c := range []struct {
		name   string
		limits Limits
		build  func(s *script)
		want   string
	}{
		{"MaxInflated -1", Limits{MaxInflated: 999}, func(s *script) { s.packed(true, opText, packed) }, violation(1009, bigInflated)},
		{"MaxInflated", Limits{MaxInflated: 1000}, func(s *script) { s.packed(true, opText, packed) }, "text " + x(1000)},
		{"MaxInflated +1", Limits{MaxInflated: 1001}, func(s *script) { s.packed(true, opText, packed) }, "text " + x(1000)},
		{"MaxInflated in fragments", Limits{MaxInflated: 999}, func(s *script) {
			s.packed(false, opText, packed[:2]).frame(true, opContinuation, packed[2:])
		}, violation(1009, bigInflated)},
		{"ten times MaxMessage", Limits{MaxMessage: 100}, func(s *script) { s.packed(true, opText, packed) }, "text " + x(1000)},
		{"over ten times MaxMessage", Limits{MaxMessage: 99}, func(s *script) { s.packed(true, opText, packed) }, violation(1009, bigInflated)},
		{"no limit", Limits{MaxMessage: wire, MaxInflated: -1}, func(s *script) { s.packed(true, opText, packed) }, "text " + x(1000)},
		{"MaxMessage counts what is on the wire", Limits{MaxMessage: wire, MaxInflated: 1000}, func(s *script) {
			s.packed(true, opText, packed).packed(true, opText, packed)
		}, "text " + x(1000) + "|text " + x(1000)},
		{"MaxMessage on the wire is broken", Limits{MaxFrame: wire, MaxMessage: wire - 1, MaxInflated: 1000}, func(s *script) {
			s.packed(false, opText, packed[:2]).frame(true, opContinuation, packed[2:])
		}, violation(1009, bigMessage)},
		{"MaxInflated does not bound what is not compressed", Limits{MaxMessage: 100, MaxInflated: 10}, func(s *script) { s.frame(true, opText, x(100)) }, "text " + x(100)},
		{"MaxFragments", Limits{MaxFragments: 2}, func(s *script) {
			s.packed(false, opText, packed[:2]).frame(false, opContinuation, "").frame(true, opContinuation, packed[2:])
		}, violation(1009, bigFragments)},
	} {
		for role, s := range both(c.build) {
			t.Run(c.name+"/"+role, func(t *testing.T) {
				got := decodeWith(t, withoutTakeover(), s.Bytes(), s.server, c.limits, nil)
				if strings.Join(got.events, "|") != c.want {
					t.Errorf("got %.100v, want %.100s", got, c.want)
				}
			})
		}
	}
}

// Whatever is done to good data, the decoder yields something or fails with 1002,
// 1007 or 1009, always the same.
func TestCorruptMessagesDoNoHarm(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	good := deflated(t, []byte(strings.Repeat("corrupt me, I do not mind. ", 40)), 6)
	failed := 0
	for range 5000 {
		p := append([]byte(nil), good[:1+r.IntN(len(good))]...)
		for range 1 + r.IntN(4) {
			p[r.IntN(len(p))] ^= 1 << r.IntN(8)
		}
		s := (&script{}).packed(true, opBinary, string(p)).frame(true, opText, "behind")
		got := decodeWith(t, withTakeover(), s.Bytes(), false, Limits{MaxInflated: 5000}, nil)
		again := decodeWith(t, withTakeover(), s.Bytes(), false, Limits{MaxInflated: 5000}, randomCuts(s.Len(), r.Uint64()))
		if !got.equal(again) {
			t.Fatalf("%x: %v and %v", p, got, again)
		}
		if last := got.events[len(got.events)-1]; last != "text behind" {
			failed++
			if !strings.HasSuffix(last, "(1007)") && !strings.HasSuffix(last, "(1009)") {
				t.Fatalf("%x: %q", p, last)
			}
		}
	}
	t.Logf("%d of 5000 failed", failed)
	if failed < 1000 {
		t.Errorf("only %d failed", failed)
	}
}

func TestAnIdleConnectionHoldsNothingWithoutContextTakeover(t *testing.T) {
	z := withoutTakeover()
	out, err := z.in.inflate([]byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), 100)
	if err != nil {
		t.Fatal(err)
	}
	out.Release()
	z.out.compress(nil, AppendFrame(nil, opText, []byte(strings.Repeat("x", 5000)), false))
	if z.in.window != nil || z.out.window != nil {
		t.Errorf("%d and %d bytes are held", len(z.in.window), len(z.out.window))
	}
}
