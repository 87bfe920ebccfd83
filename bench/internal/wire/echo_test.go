package wire

import (
	"bytes"
	"testing"

	"github.com/gobwas/ws"
)

func TestEchoAnswersWholeFramesAtEverySplit(t *testing.T) {
	for _, size := range []int{0, 125, 126, 65535, 65536} {
		payload := bytes.Repeat([]byte("x"), size)
		var in, want bytes.Buffer
		_ = ws.WriteFrame(&in, ws.MaskFrameWith(ws.NewTextFrame(payload), [4]byte{1, 2, 3, 4}))
		_ = ws.WriteFrame(&want, ws.NewTextFrame(payload))
		whole := in.Len()
		_, _ = in.Write(bytes.Clone(in.Bytes()))
		_, _ = want.Write(bytes.Clone(want.Bytes()))
		for split := 0; split <= in.Len(); split += max(1, in.Len()/1000) {
			p := bytes.Clone(in.Bytes())
			out, rest, need := Echo(nil, p[:split])
			if need != 0 && need != whole {
				t.Fatalf("size %d, split at %d: need %d, want %d", size, split, need, whole)
			}
			out, rest, _ = Echo(out, p[split-len(rest):])
			if len(rest) != 0 || !bytes.Equal(out, want.Bytes()) {
				t.Fatalf("size %d, split at %d: %d bytes, %d left over", size, split, len(out), len(rest))
			}
		}
	}
}
