package transport

import (
	"sync"
	"testing"
)

func TestNewBufferHasTheRoomAskedFor(t *testing.T) {
	asked := []int{0, 1, 2 << 20}
	for _, size := range bufferClasses {
		asked = append(asked, size-1, size, size+1)
	}
	for _, n := range asked {
		b := NewBuffer(n)
		if len(b.B) != 0 || cap(b.B) < n {
			t.Errorf("asked for %d: length %d, capacity %d", n, len(b.B), cap(b.B))
		}
		b.Release()
	}
}

func TestBufferComesBackEmptyAndOfItsClass(t *testing.T) {
	// A pool may forget and under -race does so at random: only what comes back
	// is looked at.
	for range 100 {
		for i, size := range bufferClasses {
			b := NewBuffer(size)
			if len(b.B) != 0 || cap(b.B) != size || int(b.class) != i || b.refs != 1 {
				t.Fatalf("class %d: length %d, capacity %d of %d, %d references", b.class, len(b.B), cap(b.B), size, b.refs)
			}
			b.B = append(b.B, "used"...)
			b.Release()
		}
	}
}

func TestBufferIsKeptUntilItsLastReference(t *testing.T) {
	b := NewBuffer(1)
	b.B = append(b.B, "kept"...)
	var wg sync.WaitGroup
	for range 8 {
		b.Retain()
		wg.Go(b.Release)
	}
	wg.Wait()
	if string(b.B) != "kept" || b.refs != 1 {
		t.Errorf("%q with %d references", b.B, b.refs)
	}
	b.Release()
	if len(b.B) != 0 {
		t.Errorf("%q after the last reference", b.B)
	}
}
