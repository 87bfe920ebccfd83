package transport

import (
	"sync"
	"sync/atomic"
)

var batches = sync.Pool{New: func() any { return new(Batch) }}

// keptMessages is how many entries a pooled Batch may keep room for.
const keptMessages = 1024

func newBatch() *Batch {
	b := batches.Get().(*Batch)
	b.refs = 1
	b.bufs = b.buf0[:0]
	return b
}

// NewBatch returns a batch of one message that did not come from a socket, such
// as an answer that was made on this side. It has one reference.
func NewBatch(m Message) *Batch {
	b := newBatch()
	b.Messages = append(b.Messages, m)
	return b
}

// own makes b hold one reference of buf until it is released.
func (b *Batch) own(buf *Buffer) { b.bufs = append(b.bufs, buf) }

// Empty reports whether the batch has nothing to act on.
func (b *Batch) Empty() bool {
	return len(b.Messages) == 0 && len(b.Control) == 0 && b.Close == nil && b.Err == nil
}

// Retain adds a reference. Every Retain needs a Release.
func (b *Batch) Retain() { atomic.AddInt32(&b.refs, 1) }

// Release gives a reference back. With the last one all payloads of the batch
// become invalid.
func (b *Batch) Release() {
	if atomic.AddInt32(&b.refs, -1) != 0 {
		return
	}
	for i, buf := range b.bufs {
		buf.Release()
		b.bufs[i] = nil
	}
	clear(b.buf0[:])
	if cap(b.Messages) > keptMessages {
		b.Messages = nil
	}
	clear(b.Messages)
	clear(b.Control)
	b.Messages, b.Control, b.Controls = b.Messages[:0], b.Control[:0], 0
	b.Close, b.Err, b.bufs = nil, nil, nil
	batches.Put(b)
}
