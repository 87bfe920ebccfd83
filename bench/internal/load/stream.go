package load

import (
	"bytes"
	"slices"
)

// maxStream bounds the memory of the repeated frames.
const maxStream = 8 << 20

// stream is the frames that every connection sends, in turn and for ever. It is encoded
// once and shared by the connections of a Generator, each of which has a place in it.
type stream struct {
	bytes []byte // a round of the frames, and so many more that a batch is behind each of them
	ends  []int  // where the frames of the first round end
}

// newStream repeats frames so that batch of them can go out in one system call.
func newStream(frames [][]byte, batch int) stream {
	var s stream
	for _, f := range frames {
		s.bytes = append(s.bytes, f...)
		s.ends = append(s.ends, len(s.bytes))
	}
	round := len(s.bytes)
	rounds := (batch+len(frames)-1)/len(frames) + 1
	s.bytes = bytes.Repeat(s.bytes, max(min(rounds, maxStream/round), 2)) // 2: there is something behind every offset
	return s
}

// round is the bytes after which the stream repeats itself.
func (s *stream) round() int { return s.ends[len(s.ends)-1] }

// rest is how many bytes of the frame at offset are left; 0 between two frames.
func (s *stream) rest(offset int) int {
	i, between := slices.BinarySearch(s.ends, offset)
	if between || offset == 0 {
		return 0
	}
	return s.ends[i] - offset
}

// place is how far a connection has come in its stream.
type place struct {
	offset  int // within a round, of the next byte to write
	pending int // bytes to write
	frame   int // within a round, the next to be queued
}

// queue adds n frames to what is to be written.
func (p *place) queue(s *stream, n int) {
	if len(s.ends) == 1 {
		p.pending += n * s.ends[0]
		return
	}
	for range n {
		size := s.ends[p.frame]
		if p.frame > 0 {
			size -= s.ends[p.frame-1]
		}
		p.pending += size
		if p.frame++; p.frame == len(s.ends) {
			p.frame = 0
		}
	}
}

// next is what to write next, as much as one write may take.
func (p *place) next(s *stream) []byte {
	return s.bytes[p.offset:min(len(s.bytes), p.offset+p.pending)]
}

// wrote says that n bytes were written.
func (p *place) wrote(s *stream, n int) {
	p.pending -= n
	p.offset = (p.offset + n) % s.round()
}
