package actors

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// piece is one frame as a peer may send it.
type piece struct {
	head   byte // FIN, RSV and opcode
	body   string
	length uint64 // what the header says. Default: the body's; more: the rest never comes
	wide   int    // bytes of the length, when it takes more than it must
	wrong  bool   // masked if it must not be, or the other way round
}

func (x piece) bytes(client bool) []byte {
	n, body := max(x.length, uint64(len(x.body))), []byte(x.body)
	b := []byte{x.head, byte(n)}
	switch {
	case x.wide == 8 || n > 0xffff:
		b = binary.BigEndian.AppendUint64([]byte{x.head, 127}, n)
	case x.wide == 2 || n > 125:
		b = binary.BigEndian.AppendUint16([]byte{x.head, 126}, uint16(n))
	}
	if client != x.wrong {
		key := ws.NewMask()
		b[1] |= 0x80
		b = append(b, key[:]...)
		ws.Cipher(body, key, 0)
	}
	return append(b, body...)
}

// The first bytes of frames: final ones, and more for those that are not.
const (
	more, text, binary_, bye, ping, pong = 0x7f, 0x81, 0x82, 0x88, 0x89, 0x8a
	rest, last                           = 0x00, 0x80
)

func closeBody(code int, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
}

// trial is what a case of the Autobahn suite (groups 1 to 7 and 10) sends, and
// what must come back: frames in this order, and then the close frame. Without
// one the connection is good to the end.
type trial struct {
	id   string
	sent []piece
	want []string
	end  string
}

const (
	wrongProtocol = "close 1002 "
	wrongPayload  = "close 1007 "
)

func echoes(op ws.OpCode, s string) []string { return []string{show(op, s)} }

// many makes n pieces and shows what comes back of each.
func many(n int, head byte, answer ws.OpCode) (sent []piece, want []string) {
	for i := range n {
		sent = append(sent, piece{head: head, body: fmt.Sprint("payload ", i)})
		want = append(want, show(answer, fmt.Sprint("payload ", i)))
	}
	return sent, want
}

// split cuts a text message into frames of n bytes.
func split(s string, n int) (sent []piece) {
	head := byte(text & more)
	for ; len(s) > n; s = s[n:] {
		sent = append(sent, piece{head: head, body: s[:n]})
		head = rest
	}
	return append(sent, piece{head: head | 0x80, body: s})
}

func trials() (all []trial) {
	add := func(id string, sent []piece, want []string, end string) {
		all = append(all, trial{id, sent, want, end})
	}
	for i, size := range []int{0, 125, 126, 127, 128, 65535, 65536} {
		s := strings.Repeat("*", size)
		add(fmt.Sprint("1.1.", i+1), []piece{{head: text, body: s}}, echoes(ws.OpText, s), "")
		s = strings.Repeat("\xfe", size)
		add(fmt.Sprint("1.2.", i+1), []piece{{head: binary_, body: s}}, echoes(ws.OpBinary, s), "")
	}
	for i, s := range []string{"", "Hello, world!", "\x00\xff\xfe\xfd", strings.Repeat("\xfe", 125)} {
		add(fmt.Sprint("2.", i+1), []piece{{head: ping, body: s}}, echoes(ws.OpPong, s), "")
	}
	tenPings, tenPongs := many(10, ping, ws.OpPong)
	tenTexts, tenEchoes := many(10, text, ws.OpText)
	hello, helloEcho := piece{head: text, body: "Hello"}, echoes(ws.OpText, "Hello")
	begin, end, aPing := piece{head: text & more, body: "fragment1"}, piece{head: last, body: "fragment2"}, piece{head: ping, body: "ping"}
	both := echoes(ws.OpText, "fragment1fragment2")
	add("2.5", []piece{{head: ping, body: strings.Repeat("\xfe", 126)}}, nil, wrongProtocol)
	add("2.7", []piece{{head: pong}}, nil, "")
	add("2.9", []piece{{head: pong, body: "unsolicited"}, aPing}, echoes(ws.OpPong, "ping"), "")
	add("2.10", tenPings, tenPongs, "")
	add("ten texts", tenTexts, tenEchoes, "")
	for rsv := byte(0x10); rsv < 0x80; rsv += 0x10 {
		add(fmt.Sprint("3.", rsv>>4), []piece{hello, {head: text | rsv, body: "Hello"}, aPing}, helloEcho, wrongProtocol)
	}
	add("3.6", []piece{{head: ping | 0x60, body: "x"}}, nil, wrongProtocol)
	add("3.7", []piece{{head: bye | 0x70}}, nil, wrongProtocol)
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		add(fmt.Sprint("4, alone, opcode ", op), []piece{{head: 0x80 | op, body: "?"}}, nil, wrongProtocol)
		add(fmt.Sprint("4, behind a message, opcode ", op), []piece{hello, {head: 0x80 | op}, aPing}, helloEcho, wrongProtocol)
	}
	add("5.1", []piece{{head: ping & more, body: "a"}, {head: last, body: "b"}}, nil, wrongProtocol)
	add("5.2", []piece{{head: pong & more, body: "a"}, {head: last, body: "b"}}, nil, wrongProtocol)
	add("5.3", []piece{begin, end}, both, "")
	add("5.6", []piece{begin, aPing, end}, slices.Concat(echoes(ws.OpPong, "ping"), both), "")
	add("5.9", []piece{{head: last, body: "?"}, hello}, nil, wrongProtocol)
	add("5.12", []piece{{head: rest, body: "?"}, hello}, nil, wrongProtocol)
	add("5.15", []piece{begin, end, {head: rest, body: "fragment3"}, hello}, both, wrongProtocol)
	add("5.18", []piece{begin, begin}, nil, wrongProtocol)
	add("5.19", []piece{begin, {head: rest, body: "2"}, aPing, {head: rest, body: "3"}, {head: rest}, aPing, {head: last, body: "5"}},
		[]string{"pong ping", "pong ping", "text fragment1235"}, "")
	add("6.1.2", []piece{{head: text & more}, {head: rest}, {head: last}}, echoes(ws.OpText, ""), "")
	add("6.1.3", []piece{{head: text & more}, {head: rest, body: "middle"}, {head: last}}, echoes(ws.OpText, "middle"), "")
	const greek = "Hello-µ@ßöäüàá-UTF-8!!κόσμε"
	add("6.2.3", split(greek, 1), echoes(ws.OpText, greek), "")
	for _, s := range []string{"\x00", "\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff", "\U00010000", "\U0010ffff"} {
		add(fmt.Sprintf("6.5 %q", s), []piece{{head: text, body: s}}, echoes(ws.OpText, s), "")
	}
	for _, s := range []string{
		"\x80", "\xbf", "\xfe", "\xff", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf7\xbf\xbf\xbf", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xce", "κόσμε\xed\xa0\x80edited",
	} {
		add(fmt.Sprintf("6.3.1 %q", s), []piece{{head: text, body: s}}, nil, wrongPayload)
		add(fmt.Sprintf("6.3.2 %q", s), split(s+"!", 1), nil, wrongPayload)
	}
	add("6.4.1", []piece{{head: text & more, body: "κόσμε"}, {head: rest, body: "\xf4\x90\x80\x80"}}, nil, wrongPayload) // the last fragment never comes
	add("6.4.2", []piece{{head: text & more, body: "κόσμε\xf4"}, {head: rest, body: "\x90"}}, nil, wrongPayload)
	add("6.4.3", []piece{{head: text, body: "κόσμε\xf4\x90\x80\x80", length: 99}}, nil, wrongPayload)
	add("6.4.4", []piece{{head: text, body: "κόσμε\xf4\x90", length: 99}}, nil, wrongPayload)
	add("7.1.1", []piece{hello, {head: bye, body: closeBody(1000, "")}}, helloEcho, "close 1000")
	for _, behind := range []piece{{head: bye, body: closeBody(4000, "")}, aPing, hello, {head: 0xff}} {
		add(fmt.Sprint("7.1.2 and head ", behind.head), []piece{{head: bye, body: closeBody(1000, "")}, behind}, nil, "close 1000")
	}
	add("7.1.5", []piece{begin, {head: bye, body: closeBody(1000, "")}, end}, nil, "close 1000")
	add("7.3.1", []piece{{head: bye}}, nil, "close")
	add("7.3.2", []piece{{head: bye, body: "a"}}, nil, wrongProtocol)
	add("7.3.5", []piece{{head: bye, body: closeBody(1000, strings.Repeat("*", 123))}}, nil, "close 1000")
	add("7.3.6", []piece{{head: bye, body: closeBody(1000, strings.Repeat("*", 124))}}, nil, wrongProtocol)
	add("7.5.1", []piece{{head: bye, body: closeBody(1000, "\xed\xa0\x80")}}, nil, wrongPayload)
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		add(fmt.Sprint("7.7, code ", code), []piece{{head: bye, body: closeBody(code, "why")}}, nil, fmt.Sprint("close ", code))
	}
	for _, code := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		add(fmt.Sprint("7.9, code ", code), []piece{{head: bye, body: closeBody(code, "")}}, nil, wrongProtocol)
	}
	s := strings.Repeat("*", 65536)
	add("10.1.1", split(s, 1300), echoes(ws.OpText, s), "")
	add("wrong masking", []piece{hello, {head: text, body: "Hello", wrong: true}}, helloEcho, wrongProtocol)
	add("16 bits for a length of 7", []piece{{head: text, body: "Hello", wide: 2}}, nil, wrongProtocol)
	add("64 bits for a length of 16", []piece{{head: text, body: strings.Repeat("*", 200), wide: 8}}, nil, wrongProtocol)
	add("a length with the top bit", []piece{{head: text, length: 1 << 63}}, nil, wrongProtocol)
	return all
}

// try plays a trial, with the bytes cut as the mode says.
func (p *peer) try(c trial, mode string) bool {
	var b []byte
	for _, x := range c.sent {
		b = append(b, x.bytes(p.client)...)
		for mode == "in pieces" && len(b) > 0 {
			n := min(len(b), max(1, len(b)/100)) // mostly one byte
			_, _ = p.nc.Write(b[:n])
			b = b[n:]
			synctest.Wait()
		}
		if mode == "frame by frame" {
			_, _ = p.nc.Write(b)
			b = nil
			synctest.Wait()
		}
	}
	_, _ = p.nc.Write(b)
	if !p.expect(c.want...) {
		return false
	}
	if c.end == "" {
		p.write(piece{head: bye, body: closeBody(1000, "")})
		c.end = "close 1000"
	}
	return p.expect(c.end, "EOF")
}

var modes = []string{"at once", "frame by frame", "in pieces"}

func TestTheServerPassesTheAutobahnCases(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{Limits: transport.Limits{MaxMessage: 1 << 17}})
				for _, c := range trials() {
					if p := w.meet("/"); !p.try(c, mode) {
						t.Errorf("case %s", c.id)
						_ = p.nc.Close()
					}
					w.connections(0)
				}
				w.end()
			})
		})
	}
}

func TestTheClientPassesTheAutobahnCases(t *testing.T) {
	echo := module("echo", "", func(ctx *Context, m transport.Message) { _, _ = ctx.Echo(m) })
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				for _, c := range trials() {
					client, err := Dial(t.Context(), w.system, "ws://hawser.test/", ClientOptions{NetDial: w.listener.Dial, Restart: supervisor.Temporary, Modules: []Module{echo}})
					if err != nil {
						t.Fatal(err)
					}
					nc, _ := w.listener.Accept()
					if _, err := ws.Upgrade(nc); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					if p := (&peer{t: t, nc: nc, in: bufio.NewReader(nc)}); !p.try(c, mode) {
						t.Errorf("case %s", c.id)
						_ = nc.Close()
					}
					if err := client.WaitStopped(t.Context()); err == nil {
						t.Errorf("case %s: the client does not tell why it stopped", c.id)
					}
					if err := client.Close(t.Context()); err != nil {
						t.Errorf("case %s: close: %v", c.id, err)
					}
				}
				w.end()
			})
		})
	}
}

func TestLimitsHoldToTheByteAndToTheFrame(t *testing.T) {
	for _, c := range []struct {
		limits transport.Limits
		good   [][]int // sizes of the fragments of a message
		bad    [][]int
	}{
		{transport.Limits{MaxMessage: 100}, [][]int{{99}, {100}, {50, 50}, {100, 0}}, [][]int{{101}, {50, 51}, {100, 1}}},
		{transport.Limits{MaxFrame: 50, MaxMessage: 100}, [][]int{{49}, {50}, {50, 50}}, [][]int{{51}, {1, 51}, {50, 50, 1}}},
		{transport.Limits{MaxFragments: 3}, [][]int{{1, 1}, {1, 1, 1}, {0, 0, 0}}, [][]int{{1, 1, 1, 1}, {0, 0, 0, 0}}},
		{transport.Limits{}, [][]int{{64<<10 - 1}, {64 << 10}}, [][]int{{64<<10 + 1}, {64 << 10, 1}}},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{Limits: c.limits})
			for i, sizes := range append(c.good, c.bad...) {
				p, whole := w.meet("/"), ""
				for j, n := range sizes {
					x := piece{head: rest, body: strings.Repeat("*", n)}
					if j == 0 {
						x.head = binary_ & more
					}
					if j == len(sizes)-1 {
						x.head |= last
					}
					whole += x.body
					p.write(x)
				}
				if i < len(c.good) {
					p.expect(show(ws.OpBinary, whole))
					p.leave()
				} else if !p.expect("close 1009 ", "EOF") {
					t.Errorf("%+v, %v", c.limits, sizes)
				}
				w.connections(0)
			}
			w.end()
		})
	}
}

func module(name, path string, f func(*Context, transport.Message)) Module {
	return Module{Name: name, Path: path, New: func() Handler { return HandlerFunc(f) }}
}

func (p *peer) text(s string) { p.t.Helper(); p.write(piece{head: text, body: s}) }
