package transport

import (
	"math"
	"sync"
	"sync/atomic"
)

// What a Dialer and an Upgrader allow as MaxMessage when nothing is said. A
// server holds many peers that it does not know, so it allows less.
const (
	DefaultClientMaxMessage = 1 << 20
	DefaultServerMaxMessage = 64 << 10
)

// defaultMaxFragments is what MaxFragments is when nothing is said.
const defaultMaxFragments = 1024

// noLimit stands for a negative limit. A header added to it is still an int.
const noLimit = math.MaxInt - 64

// Limits bound what one peer can make us hold. Whoever breaks one is closed with
// 1009 (RFC 6455 §7.4.1), on the frame's header, before memory is taken for it;
// what only inflating shows, when it shows.
type Limits struct {
	// MaxFrame is the longest payload of one frame, in bytes. Default:
	// MaxMessage; negative: no limit but MaxMessage.
	MaxFrame int
	// MaxMessage is the longest payload of a whole message, in bytes, over all
	// its frames. Default 1 MiB for a Dialer, 64 KiB for an Upgrader; negative:
	// no limit.
	MaxMessage int
	// MaxFragments is how many frames a message may come in, empty ones
	// included. Default 1024; negative: no limit.
	MaxFragments int
	// MaxInflated is the longest message after inflating, in bytes, where
	// permessage-deflate is agreed; MaxFrame and MaxMessage then bound what it has
	// on the wire. Inflating stops there. Default 10 times MaxMessage; negative:
	// no limit.
	MaxInflated int
}

// inflatedTimes is how much longer than MaxMessage an inflated message may be
// when nothing is said.
const inflatedTimes = 10

// withDefaults replaces zeros by defaults and negative values by noLimit.
func (l Limits) withDefaults(maxMessage int) Limits {
	l.MaxMessage = limitOr(l.MaxMessage, maxMessage)
	l.MaxFrame = limitOr(l.MaxFrame, l.MaxMessage)
	l.MaxFragments = limitOr(l.MaxFragments, defaultMaxFragments)
	l.MaxInflated = limitOr(l.MaxInflated, inflatedTimes*min(l.MaxMessage, noLimit/inflatedTimes))
	return l
}

// inUse holds the limits of the connections that there are or were, each once: what a
// connection keeps of them is a pointer.
var (
	inUse     sync.Map // of Limits, to *Limits
	inUseSize atomic.Int32
)

// maxInUse bounds inUse, for those who have other limits for every connection.
const maxInUse = 256

// shared returns l as one that connections share.
func shared(l Limits) *Limits {
	if s, ok := inUse.Load(l); ok {
		return s.(*Limits)
	}
	own := new(Limits)
	*own = l
	if inUseSize.Load() >= maxInUse {
		return own
	}
	s, loaded := inUse.LoadOrStore(l, own)
	if !loaded {
		inUseSize.Add(1)
	}
	return s.(*Limits)
}

func limitOr(limit, unset int) int {
	switch {
	case limit == 0:
		return unset
	case limit < 0:
		return noLimit
	}
	return min(limit, noLimit)
}
