package transport

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gobwas/ws"
)

var frameSizes = []int{0, 1, 7, 64, 125, 126, 127, 128, 200, 65535, 65536, 70000}

func payloadOf(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i*31 + 1)
	}
	return p
}

func TestAppendFrameIsWhatGobwasReads(t *testing.T) {
	for _, n := range frameSizes {
		for _, masked := range []bool{false, true} {
			t.Run(fmt.Sprint(n, masked), func(t *testing.T) {
				payload := payloadOf(n)
				p := AppendFrame([]byte("before"), opBinary, payload, masked)[len("before"):]
				if len(p) != HeaderSize(n, masked)+n {
					t.Fatalf("HeaderSize says %d, there are %d", HeaderSize(n, masked), len(p)-n)
				}
				h, err := ws.ReadHeader(bytes.NewReader(p))
				want := ws.Header{Fin: true, OpCode: ws.OpBinary, Masked: masked, Length: int64(n)}
				if err != nil || h != want {
					t.Fatalf("header %+v, %v", h, err)
				}
				op, got, size := FramePayload(append(p, "behind"...))
				if op != opBinary || !bytes.Equal(got, payload) || size != len(p) || cap(got) != n {
					t.Errorf("FramePayload: opcode %d, %d bytes of %d, capacity %d", op, len(got), size, cap(got))
				}
			})
		}
	}
}

func TestSealFrameMasksUnderAFreshKey(t *testing.T) {
	for _, n := range frameSizes {
		payload := payloadOf(n)
		var last [4]byte
		for range 3 {
			p := append(AppendFrame(nil, opText, payload, true), "behind"...)
			if got := SealFrame(p); got != len(p)-len("behind") {
				t.Fatalf("%d: length %d of %d", n, got, len(p)-len("behind"))
			}
			all, rest := frames(p)
			if len(all) != 1 || rest != len("behind") || string(p[len(p)-rest:]) != "behind" {
				t.Fatalf("%d: %d frames, %d bytes behind them", n, len(all), rest)
			}
			switch f := all[0]; {
			case !bytes.Equal(f.Payload, payload):
				t.Errorf("%d: the payload is another", n)
			case f.Header.Mask == last, f.Header.Mask == [4]byte{}:
				t.Errorf("%d: key %x after %x", n, f.Header.Mask, last)
			default:
				last = f.Header.Mask
			}
		}
	}
}

func TestSealFrameLeavesSealedAndUnmaskedFramesAlone(t *testing.T) {
	sealed := AppendFrame(nil, opText, []byte("secret"), true)
	SealFrame(sealed)
	for _, p := range [][]byte{sealed, AppendFrame(nil, opText, []byte("clear"), false)} {
		before := bytes.Clone(p)
		if n := SealFrame(p); n != len(p) || !bytes.Equal(p, before) {
			t.Errorf("%x became %x", before, p)
		}
	}
}

func TestFreshKeyIsNeverZero(t *testing.T) {
	draws := []uint32{0, 0, 7, 8}
	if key := freshKey(func() (k uint32) { k, draws = draws[0], draws[1:]; return k }); key != 7 {
		t.Errorf("key %d", key)
	}
}

func TestFrameEncodingAllocatesNothing(t *testing.T) {
	dst, payload := make([]byte, 0, 4096), payloadOf(1000)
	if n := testing.AllocsPerRun(100, func() { SealFrame(AppendFrame(dst, opText, payload, true)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	for _, masked := range []bool{false, true} {
		b.Run(fmt.Sprintf("64 masked=%v", masked), func(b *testing.B) {
			dst, payload := make([]byte, 0, 128), payloadOf(64)
			b.ReportAllocs()
			for b.Loop() {
				if p := AppendFrame(dst, opText, payload, masked); masked {
					SealFrame(p)
				}
			}
		})
	}
}
