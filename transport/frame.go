package transport

import (
	"encoding/binary"
	"math/rand/v2"
)

// The opcodes (RFC 6455 §5.2).
const (
	opContinuation byte = 0
	opText         byte = 1
	opBinary       byte = 2
	opClose        byte = 8
	opPing         byte = 9
	opPong         byte = 10
)

// Bits and special lengths of the first two bytes of a frame (RFC 6455 §5.2).
const (
	finBit  = 0x80
	rsvBits = 0x70
	rsv1Bit = 0x40 // the message is compressed (RFC 7692 §6)
	opBits  = 0x0f
	maskBit = 0x80

	maxControl = 125 // the longest payload of a control frame (§5.5), and the longest 7-bit length
	length16   = 126 // the length stands in the next 2 bytes
	length64   = 127 // the length stands in the next 8 bytes
)

// HeaderSize is how many bytes AppendFrame puts before a payload of that size.
func HeaderSize(payload int, masked bool) int {
	size := 2
	switch {
	case payload > 0xffff:
		size = 10
	case payload > maxControl:
		size = 4
	}
	if masked {
		size += 4
	}
	return size
}

// AppendFrame appends one final frame to dst. A masked frame gets a key of
// zeros, which says that it is not sealed yet: [SealFrame] must have been called
// on it before it goes out. Until then its payload can be read and changed. A
// control frame has room for 125 bytes; nothing here checks that.
func AppendFrame(dst []byte, op byte, payload []byte, masked bool) []byte {
	var mask byte
	if masked {
		mask = maskBit
	}
	return append(appendHeader(dst, finBit|op, len(payload), mask), payload...)
}

// maskKey is the length of a masking key.
const maskKey = 4

// header is that of an unmasked frame, by value.
type header struct {
	b [10]byte
	n uint8
}

func newHeader(op byte, size int) (h header) {
	h.n = uint8(len(appendHeader(h.b[:0], finBit|op, size, 0)))
	return h
}

func (h *header) size() int { return int(h.n) }

// appendHeader appends the header of a frame of n bytes. With maskBit in mask it
// gets a key of zeros.
func appendHeader(dst []byte, first byte, n int, mask byte) []byte {
	switch {
	case n <= maxControl:
		dst = append(dst, first, mask|byte(n))
	case n <= 0xffff:
		dst = append(dst, first, mask|length16, byte(n>>8), byte(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, mask|length64), uint64(n))
	}
	if mask != 0 {
		dst = append(dst, 0, 0, 0, 0)
	}
	return dst
}

// SealFrame masks the frame at the start of p in place, under a fresh key, and
// returns the frame's length. A frame that is sealed already or has no mask
// stays as it is. p must hold the frame whole.
//
// Keys come from math/rand/v2, the runtime's ChaCha8 with a seed from the
// operating system: a script that sees frames of ours cannot foretell the next
// key, which is all that RFC 6455 §5.3 asks of it.
func SealFrame(p []byte) (n int) {
	head, size := frameShape(p)
	n = head + size
	if p[1]&maskBit == 0 {
		return n
	}
	key := p[head-4 : head]
	if binary.LittleEndian.Uint32(key) != 0 {
		return n
	}
	binary.LittleEndian.PutUint32(key, freshKey(rand.Uint32))
	xor(p[head:n], [4]byte(key), 0)
	return n
}

// freshKey draws until the key is not zero, as zero means "not sealed".
func freshKey(draw func() uint32) uint32 {
	for {
		if key := draw(); key != 0 {
			return key
		}
	}
}

// FramePayload returns opcode, payload and length of the frame at the start of
// p, which must hold it whole. The payload points into p and is ciphered if the
// frame has been sealed.
func FramePayload(p []byte) (op byte, payload []byte, n int) {
	head, size := frameShape(p)
	n = head + size
	return p[0] & opBits, p[head:n:n], n
}

// frameShape reads how long header and payload of a frame of ours are.
func frameShape(p []byte) (head, size int) {
	head, size = 2, int(p[1]&^maskBit)
	switch size {
	case length16:
		head, size = 4, int(binary.BigEndian.Uint16(p[2:]))
	case length64:
		head, size = 10, int(binary.BigEndian.Uint64(p[2:]))
	}
	if p[1]&maskBit != 0 {
		head += 4
	}
	return head, size
}
