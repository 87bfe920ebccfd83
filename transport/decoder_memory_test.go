package transport

import (
	"strings"
	"testing"
	"unsafe"
)

func TestDecoderUsesNoMemoryForWhatHasNotCome(t *testing.T) {
	l := Limits{MaxMessage: -1, MaxFragments: -1}.withDefaults(0)
	var d decoder
	d.init(false, &l)
	defer d.release()
	b := newBatch()
	defer b.Release()
	d.decode([]byte{0x02, 1, 'x'}, b)
	p := []byte{0x80, 127, 0, 0, 0, 0, 0x3f, 0, 0, 0, 'y'}
	if used, need := d.decode(p, b); used != 0 || need != 0x3f<<24+10 {
		t.Errorf("used %d, need %#x", used, need)
	}
	if d.held() != bufferClasses[0] {
		t.Errorf("%d bytes are held for one", d.held())
	}
}

func TestDecoderGivesItsMemoryBack(t *testing.T) {
	l := Limits{}.withDefaults(1 << 20)
	for name, end := range map[string][]byte{
		"a violation":       {0x83, 0},
		"an empty close":    {0x88, 0},
		"a close frame":     {0x88, 2, 0x03, 0xe8},
		"a bad close frame": {0x88, 1, 0x03},
		"a longer message":  append([]byte{0x00, 126, 0x20, 0}, make([]byte, 0x2000)...),
		"release":           nil,
		"the message whole": {0x80, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var d decoder
			d.init(false, &l)
			b := newBatch()
			d.decode([]byte{0x02, 1, 'x'}, b)
			whole := d.whole
			whole.Retain() // so that we may look at it
			if d.decode(end, b); end == nil {
				d.release()
			}
			b.Release()
			defer d.release()
			if d.whole == whole || whole.refs != 1 {
				t.Errorf("the buffer has %d references, one is ours", whole.refs)
			}
			whole.Release()
		})
	}
}

func TestMessagesDoNotReachIntoEachOther(t *testing.T) {
	s := (&script{}).frame(true, opBinary, "one").frame(true, opPing, "two").frame(false, opBinary, "thr").frame(true, opContinuation, "ee").frame(true, opBinary, "four")
	l := Limits{}.withDefaults(1 << 20)
	var d decoder
	d.init(false, &l)
	b := newBatch()
	defer b.Release()
	d.decode(s.Bytes(), b)
	for _, m := range b.Messages {
		_ = append(m.Payload, "overwritten"...)
	}
	_ = append(b.Control[0].Payload, "overwritten"...)
	if got := strings.Join(b.events(), "|"); got != "binary one|binary three|binary four|ping two" {
		t.Errorf("got %q", got)
	}
}

func TestDecoderIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(decoder{}); size > 64 {
		t.Errorf("a decoder has %d bytes and lives in every connection", size)
	}
}
