package transport

import (
	"sync"
	"sync/atomic"
)

// Size classes of pooled buffers. Each holds the class before it several times
// over, plus room for headers, so that a growing frame is copied seldom.
var bufferClasses = [...]int{2 << 10, 16 << 10, 80 << 10, 320 << 10, 1<<20 + 4096}

var bufferPools [len(bufferClasses)]sync.Pool

// Buffer is a pooled piece of memory with a reference count. B may be appended
// to up to its capacity by whoever holds the only reference.
type Buffer struct {
	B      []byte
	parent *Buffer // of which B is a piece; nil: B is a whole
	refs   int32
	class  int8
}

// lents are the Buffers that are a piece of another one, without it.
var lents = sync.Pool{New: func() any { return new(Buffer) }}

// piece returns B[from:to] as a Buffer that has no room for more, and keeps b.
func (b *Buffer) piece(from, to int) *Buffer {
	b.Retain()
	p := lents.Get().(*Buffer)
	*p = Buffer{B: b.B[from:to:to], parent: b, refs: 1, class: -1}
	return p
}

// NewBuffer returns an empty buffer with a capacity of at least n bytes and one
// reference.
func NewBuffer(n int) *Buffer {
	for i, size := range bufferClasses {
		if n > size {
			continue
		}
		if b, _ := bufferPools[i].Get().(*Buffer); b != nil {
			b.refs = 1
			return b
		}
		return &Buffer{B: make([]byte, 0, size), refs: 1, class: int8(i)}
	}
	return &Buffer{B: make([]byte, 0, n), refs: 1, class: -1}
}

// Retain adds a reference. Every Retain needs a Release.
func (b *Buffer) Retain() { atomic.AddInt32(&b.refs, 1) }

// Release gives a reference back. With the last one B becomes invalid.
func (b *Buffer) Release() {
	if atomic.AddInt32(&b.refs, -1) != 0 {
		return
	}
	if parent := b.parent; parent != nil {
		b.B, b.parent = nil, nil
		lents.Put(b)
		parent.Release()
		return
	}
	if b.class < 0 {
		return
	}
	b.B = b.B[:0]
	bufferPools[b.class].Put(b)
}
