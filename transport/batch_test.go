package transport

import (
	"fmt"
	"testing"
)

func TestBatchIsEmptyOnlyWithNothingToActOn(t *testing.T) {
	for name, c := range map[string]struct {
		fill func(b *Batch)
		want bool
	}{
		"nothing":         {func(*Batch) {}, true},
		"only memory":     {func(b *Batch) { b.own(NewBuffer(1)) }, true},
		"a message":       {func(b *Batch) { b.Messages = append(b.Messages, Message{}) }, false},
		"a control frame": {func(b *Batch) { b.addControl(Control{Kind: Ping}) }, false},
		"a close":         {func(b *Batch) { b.Close = &CloseError{} }, false},
		"a violation":     {func(b *Batch) { b.Err = &ProtocolError{} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBatch()
			defer b.Release()
			if c.fill(b); b.Empty() != c.want {
				t.Errorf("Empty is %v", b.Empty())
			}
		})
	}
}

func TestBatchHoldsItsBuffersUntilItsLastReference(t *testing.T) {
	for n := range 6 {
		b := newBatch()
		var bufs []*Buffer
		for range n {
			buf := NewBuffer(1)
			buf.Retain() // so that it stays ours to look at
			b.own(buf)
			bufs = append(bufs, buf)
		}
		b.Retain()
		b.Release()
		for _, buf := range bufs {
			if buf.refs != 2 {
				t.Fatalf("%d buffers: one has %d references before the last Release", n, buf.refs)
			}
		}
		b.Release()
		for _, buf := range bufs {
			if buf.refs != 1 {
				t.Fatalf("%d buffers: one has %d references after the last Release", n, buf.refs)
			}
			buf.Release()
		}
	}
}

func TestBatchComesBackEmpty(t *testing.T) {
	for i := range 100 {
		b := newBatch()
		if !b.Empty() || len(b.bufs) != 0 || b.refs != 1 {
			t.Fatalf("round %d: %+v", i, b)
		}
		if n := cap(b.Messages); n > keptMessages {
			t.Fatalf("round %d: room for %d messages was kept", i, n)
		}
		for _, m := range b.Messages[:cap(b.Messages)] {
			if m.Payload != nil {
				t.Fatalf("round %d: a payload was kept", i)
			}
		}
		for j := range 1 + i*20 {
			b.Messages = append(b.Messages, Message{Payload: []byte(fmt.Sprint(j))})
		}
		b.addControl(Control{Kind: Pong, Payload: []byte("x")})
		b.Close, b.Err = &CloseError{}, &ProtocolError{}
		b.own(NewBuffer(1))
		b.Release()
	}
}

func TestBatchKeepsTheLatestOfEachControlKind(t *testing.T) {
	b := newBatch()
	defer b.Release()
	for i := range 100 {
		b.addControl(Control{Kind: Ping, Payload: []byte(fmt.Sprint(i))})
		if i%2 == 0 {
			b.addControl(Control{Kind: Pong, Payload: []byte(fmt.Sprint(i))})
		}
	}
	var pings, pongs []string
	for _, c := range b.Control {
		if c.Kind == Ping {
			pings = append(pings, string(c.Payload))
		} else {
			pongs = append(pongs, string(c.Payload))
		}
	}
	if got := fmt.Sprint(pings); got != "[84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99]" {
		t.Errorf("pings %s", got)
	}
	if got := fmt.Sprint(pongs); got != "[68 70 72 74 76 78 80 82 84 86 88 90 92 94 96 98]" {
		t.Errorf("pongs %s", got)
	}
}

// Who sends tiny messages as fast as he can has a turn like others: one read of many
// is several batches, and none is lost.
func TestABatchHasOnlySoManyMessages(t *testing.T) {
	const n = 3*batchFrames + 7
	var wire []byte
	for range n {
		wire = AppendFrame(wire, byte(Text), []byte("x"), false)
	}
	var d decoder
	l := defaultClientLimits
	d.init(false, &l)
	for from, total := 0, 0; total < n; {
		b := newBatch()
		used, _ := d.decode(wire[from:], b)
		from += used
		total += len(b.Messages)
		if len(b.Messages) > batchFrames || len(b.Messages) == 0 || b.Err != nil {
			t.Fatalf("a batch of %d messages, %v", len(b.Messages), b.Err)
		}
		if more := total < n; more != d.full(b) {
			t.Fatalf("full is %v behind %d of %d messages", d.full(b), total, n)
		}
		b.Release()
	}
}
