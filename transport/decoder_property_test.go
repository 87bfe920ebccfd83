package transport

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"
)

// judge is a second decoder, slow and plain, over frames that gobwas/ws has read.
// It knows nothing of limits and judges a frame only when it is whole.
func judge(wire []byte, server bool) (events []string) {
	var messages, control []string
	var text strings.Builder
	var kind ws.OpCode
	all, _ := frames(wire)
	for _, f := range all {
		h, p := f.Header, string(f.Payload)
		if detail := judgeHeader(h, server, kind != 0); detail != "" {
			return slices.Concat(messages, control, []string{violation(1002, detail)})
		}
		switch h.OpCode {
		case ws.OpPing, ws.OpPong:
			control = judgeControl(control, map[ws.OpCode]string{ws.OpPing: "ping ", ws.OpPong: "pong "}[h.OpCode], p)
			continue
		case ws.OpClose:
			return slices.Concat(messages, control, []string{judgeClose(p)})
		case ws.OpContinuation:
		default:
			kind = h.OpCode
			text.Reset()
		}
		text.WriteString(p)
		if kind == ws.OpText && !judgeText(text.String(), h.Fin) {
			return slices.Concat(messages, control, []string{violation(1007, badText)})
		}
		if !h.Fin {
			continue
		}
		messages = append(messages, Kind(kind).String()+" "+text.String())
		kind = 0
	}
	return slices.Concat(messages, control)
}

func judgeHeader(h ws.Header, server, inside bool) string {
	switch {
	case h.Rsv != 0:
		return badReserved
	case server && !h.Masked:
		return badUnmasked
	case !server && h.Masked:
		return badMasked
	case h.OpCode.IsReserved():
		return badOpcode
	case h.OpCode.IsControl() && (!h.Fin || h.Length > ws.MaxControlFramePayloadSize):
		return badControl
	case h.OpCode == ws.OpContinuation && !inside:
		return badContinue
	case h.OpCode.IsData() && h.OpCode != ws.OpContinuation && inside:
		return badStart
	}
	return ""
}

// judgeText reports whether a text is right, or can still become right.
func judgeText(text string, whole bool) bool {
	if !whole {
		text = text[:len(text)-unfinishedSlow([]byte(text))]
	}
	return utf8.ValidString(text)
}

func judgeControl(have []string, kind, payload string) []string {
	have = append(have, kind+payload)
	var same []int
	for i, s := range have {
		if strings.HasPrefix(s, kind) {
			same = append(same, i)
		}
	}
	if len(same) > keptControl {
		have = slices.Delete(have, same[0], same[0]+1)
	}
	return have
}

func judgeClose(p string) string {
	b := Batch{Close: &CloseError{Code: NoStatus}}
	if len(p) == 1 {
		return violation(1002, badCloseSize)
	}
	if len(p) > 1 {
		code, reason := ws.ParseCloseFrameData([]byte(p))
		if !CloseCode(code).Sendable() {
			return violation(1002, badCloseCode)
		}
		if !utf8.ValidString(reason) {
			return violation(1007, badCloseReason)
		}
		b.Close = &CloseError{Code: CloseCode(code), Reason: reason}
	}
	return b.events()[0]
}

// drawScript draws messages, fragmented at random and with control frames in
// between, and what a decoder should make of them.
func drawScript(t *rapid.T, server bool) (s *script, want []string) {
	s = &script{server: server}
	var control []string
	for range rapid.IntRange(0, 6).Draw(t, "messages") {
		op, p := opText, rapid.StringN(0, 400, -1).Draw(t, "text")
		if rapid.Bool().Draw(t, "binary") {
			op, p = opBinary, string(rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "binary payload"))
		}
		want = append(want, Kind(op).String()+" "+p)
		for range rapid.IntRange(0, 3).Draw(t, "fragments") {
			cut := rapid.IntRange(0, len(p)).Draw(t, "cut")
			s.frame(false, op, p[:cut])
			op, p = opContinuation, p[cut:]
			if rapid.Bool().Draw(t, "ping") {
				s.frame(true, opPing, "?")
				control = append(control, "ping ?")
			}
		}
		s.frame(true, op, p)
	}
	return s, append(want, control[max(0, len(control)-keptControl):]...)
}

func TestDecoderReadsWhatGobwasWrites(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, want := drawScript(r, rapid.Bool().Draw(r, "server"))
		cuts := randomCuts(s.Len(), rapid.Uint64().Draw(r, "seed"))
		got := decodeIn(t, s.Bytes(), s.server, Limits{}, cuts)
		if !got.equal(result{events: want}) {
			r.Fatalf("cut at %v\ngot  %v\nwant %q", cuts, got, want)
		}
	})
}

func TestDecoderReadsWhatWeWrite(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		server := rapid.Bool().Draw(r, "server")
		n := rapid.SampledFrom(frameSizes).Draw(r, "size")
		wire := AppendFrame(nil, opBinary, payloadOf(n), server)
		SealFrame(wire)
		wire = AppendFrame(wire, opPing, []byte("?"), server)
		SealFrame(wire[HeaderSize(n, server)+n:])
		got := decodeIn(t, wire, server, Limits{}, randomCuts(len(wire), rapid.Uint64().Draw(r, "seed")))
		if want := (result{events: []string{"binary " + string(payloadOf(n)), "ping ?"}}); !got.equal(want) {
			r.Fatalf("%d bytes: %d events, %d bytes left", n, len(got.events), got.rest)
		}
	})
}
