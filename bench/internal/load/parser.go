package load

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// parser counts the messages in the byte stream of a server. It survives any split of
// the stream, and it checks the size of every message.
type parser struct {
	least, most int  // payload bytes of a message
	compressed  bool // every message has RSV1
	closing     bool // a close frame is welcome

	head    [10]byte // header bytes so far, when a header was split
	have    int
	inFrame bool
	left    int // payload bytes of the current frame still to come
	fin     bool
	op      byte
	size    int // payload bytes of the current message so far

	keep    bool   // collect the payload of messages in kept
	kept    []byte // owned by the parser
	control []byte // payload of the current control frame; nil until there is one
	ping    []byte // payload of the last ping, until the connection has answered it
	pinged  bool
	closed  bool // the close frame has come
}

// feed takes the next bytes of the stream and returns how many messages ended in them.
func (p *parser) feed(b []byte) (messages int, err error) {
	for len(b) > 0 || p.inFrame && p.left == 0 {
		if !p.inFrame {
			n, err := p.header(b)
			if err != nil {
				return messages, err
			}
			b = b[n:]
			continue
		}
		n := min(p.left, len(b))
		p.payload(b[:n])
		b = b[n:]
		if p.left -= n; p.left > 0 {
			return messages, nil
		}
		p.inFrame = false
		done, err := p.endFrame()
		if err != nil {
			return messages, err
		}
		if done {
			messages++
		}
	}
	return messages, nil
}

// header takes a frame header, or as much of it as b has, and returns the bytes taken.
func (p *parser) header(b []byte) (used int, err error) {
	h := b
	if p.have > 0 || len(b) < len(p.head) { // the slow way, byte by byte
		for {
			size := 2
			if p.have >= 2 {
				size = headerSize(p.head[1])
			}
			if p.have == size {
				break
			}
			if used == len(b) {
				return used, nil
			}
			p.head[p.have] = b[used]
			p.have++
			used++
		}
		h, p.have = p.head[:], 0
	} else {
		used = headerSize(b[1])
	}
	return used, p.begin(h)
}

func headerSize(second byte) int {
	switch second &^ maskBit {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

// begin starts the frame whose header is at the start of h.
func (p *parser) begin(h []byte) error {
	if h[1]&maskBit != 0 {
		return errors.New("the server sent a masked frame")
	}
	p.fin, p.op = h[0]&finBit != 0, h[0]&opBits
	if rsv := h[0] & rsvBits; rsv != p.rsv() {
		return fmt.Errorf("the server sent a frame with the RSV bits %#02x, want %#02x (%#02x: compressed)", rsv, p.rsv(), compressedBit)
	}
	switch n := h[1]; n {
	case 126:
		p.left = int(binary.BigEndian.Uint16(h[2:]))
	case 127:
		p.left = int(binary.BigEndian.Uint64(h[2:]))
	default:
		p.left = int(n)
	}
	if p.op < opClose && (p.left < 0 || p.left > p.most-p.size) {
		return fmt.Errorf("the server sent a message of %d bytes or more, want %s", p.size+p.left, p.want())
	}
	p.inFrame = true
	p.control = p.control[:0]
	return nil
}

// rsv is the reserved bits of the current frame: those of a message stand in its first
// frame (RFC 7692 §6).
func (p *parser) rsv() byte {
	if p.compressed && p.op != opContinuation && p.op < opClose {
		return compressedBit
	}
	return 0
}

// want is the size that is asked for, in words.
func (p *parser) want() string {
	if p.least == p.most {
		return fmt.Sprint(p.most)
	}
	return fmt.Sprintf("%d to %d", p.least, p.most)
}

func (p *parser) payload(b []byte) {
	if p.op >= opClose {
		p.control = append(p.control, b...)
		return
	}
	p.size += len(b)
	if p.keep {
		p.kept = append(p.kept, b...)
	}
}

// endFrame reports whether the frame that is complete now ends a message.
func (p *parser) endFrame() (bool, error) {
	switch {
	case p.op == opClose && p.closing:
		p.closed = true
		return false, nil
	case p.op == opClose:
		return false, fmt.Errorf("the server sent a close frame: %s", closeText(p.control))
	case p.op == opPing:
		p.ping, p.pinged = append(p.ping[:0], p.control...), true
		return false, nil
	case p.op > opClose || !p.fin:
		return false, nil
	case p.size < p.least:
		return false, fmt.Errorf("the server sent a message of %d bytes, want %s", p.size, p.want())
	}
	p.size = 0
	return true, nil
}

func closeText(p []byte) string {
	if len(p) < 2 {
		return "no code"
	}
	return fmt.Sprintf("%d %q", binary.BigEndian.Uint16(p), p[2:])
}
