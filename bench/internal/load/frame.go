package load

import "encoding/binary"

const (
	opContinuation = 0x0
	opText         = 0x1
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA

	finBit        = 0x80
	compressedBit = 0x40 // RSV1, of permessage-deflate (RFC 7692 §6)
	rsvBits       = 0x70
	opBits        = 0x0f
	maskBit       = 0x80
)

// maskKey is the same for all frames: the servers cannot tell, and equal input makes
// equal work.
var maskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// appendFrame appends one final, masked frame (RFC 6455 §5.2). op may have the
// compressedBit.
func appendFrame(dst []byte, op byte, payload []byte) []byte {
	dst = append(dst, finBit|op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, maskBit|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, maskBit|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, maskBit|127), uint64(n))
	}
	dst = append(dst, maskKey[:]...)
	for i, b := range payload {
		dst = append(dst, b^maskKey[i&3])
	}
	return dst
}
