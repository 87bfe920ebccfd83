// Package wire is the least that an echo server must do with frames: what the hand-made
// loop and the floor do instead of using a library. It knows single final frames only
// and trusts its peer: nothing to build a real server on.
package wire

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// Step is what Echo has made of one read.
type Step struct {
	// Answers is what was given to Echo and the answers behind it.
	Answers []byte
	// Close is the answer to a close frame, behind the Answers in the same memory; nil
	// if none came. Nothing comes behind it (RFC 6455 §5.5.1), and the server ends the
	// connection when it has sent it (§7.1.1).
	Close []byte
	// Rest is an incomplete frame, and Need its whole length, or 0 while unknown.
	Rest []byte
	Need int
}

// All is the answers with that to a close frame, if there is one.
func (s Step) All() []byte { return s.Answers[:len(s.Answers)+len(s.Close)] }

const (
	opcodeBits  = 0x0f
	opcodeClose = 0x8
)

// Echo appends the answers to all whole frames in p to out. It unmasks p in place.
func Echo(out, p []byte) Step {
	for {
		header, size, ok := frame(p)
		if !ok {
			return Step{Answers: out, Rest: p}
		}
		if len(p) < header+size {
			return Step{Answers: out, Rest: p, Need: header + size}
		}
		body := p[header : header+size]
		ws.Cipher(body, [4]byte(p[header-4:header]), 0)
		before := len(out)
		switch {
		case size < 126:
			out = append(out, p[0], byte(size))
		case size < 1<<16:
			out = binary.BigEndian.AppendUint16(append(out, p[0], 126), uint16(size))
		default:
			out = binary.BigEndian.AppendUint64(append(out, p[0], 127), uint64(size))
		}
		out = append(out, body...)
		if p[0]&opcodeBits == opcodeClose {
			return Step{Answers: out[:before], Close: out[before:]}
		}
		p = p[header+size:]
	}
}

// frame reads the header of a masked frame; not ok while it is incomplete.
func frame(p []byte) (header, size int, ok bool) {
	if len(p) < 2 {
		return 0, 0, false
	}
	header, size = 6, int(p[1]&0x7f)
	switch size {
	case 126:
		header = 8
	case 127:
		header = 14
	}
	if len(p) < header {
		return 0, 0, false
	}
	switch size {
	case 126:
		size = int(binary.BigEndian.Uint16(p[2:]))
	case 127:
		size = int(binary.BigEndian.Uint64(p[2:]))
	}
	return header, size, true
}
