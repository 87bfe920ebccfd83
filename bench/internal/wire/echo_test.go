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
			first := Echo(nil, p[:split])
			if first.Need != 0 && first.Need != whole {
				t.Fatalf("size %d, split at %d: need %d, want %d", size, split, first.Need, whole)
			}
			second := Echo(first.Answers, p[split-len(first.Rest):])
			if len(second.Rest) != 0 || second.Close != nil || !bytes.Equal(second.All(), want.Bytes()) {
				t.Fatalf("size %d, split at %d: %d bytes, %d left over", size, split, len(second.Answers), len(second.Rest))
			}
		}
	}
}

func TestEchoEndsBehindACloseFrame(t *testing.T) {
	mask := [4]byte{1, 2, 3, 4}
	body := ws.NewCloseFrameBody(ws.StatusNormalClosure, "bye")
	var in, answers, all bytes.Buffer
	for _, f := range []ws.Frame{ws.NewTextFrame([]byte("x")), ws.NewCloseFrame(body), ws.NewTextFrame([]byte("too late"))} {
		_ = ws.WriteFrame(&in, ws.MaskFrameWith(f, mask))
	}
	_ = ws.WriteFrame(&answers, ws.NewTextFrame([]byte("x")))
	_, _ = all.Write(answers.Bytes())
	_ = ws.WriteFrame(&all, ws.NewCloseFrame(body))
	step := Echo(nil, in.Bytes())
	if !bytes.Equal(step.Answers, answers.Bytes()) || !bytes.Equal(step.All(), all.Bytes()) || len(step.Rest) != 0 {
		t.Errorf("Echo = %q and %q, want %q", step.Answers, step.Close, all.Bytes())
	}
	if step.Close == nil {
		t.Error("the close frame was not noticed")
	}
}
