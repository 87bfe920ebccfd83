//go:build linux

package siege

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// Parts of the first byte of a frame (RFC 6455 §5.2).
const (
	fin  = 0x80
	rsv1 = 0x40

	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa
)

// appendFrame appends a masked frame as a client sends it. first is its first byte:
// fin, rsv1 and the opcode, or nonsense.
func appendFrame(dst []byte, first byte, payload []byte) []byte {
	dst = appendHeader(dst, first, uint64(len(payload)))
	key := dst[len(dst)-4:]
	for i, b := range payload {
		dst = append(dst, b^key[i%4])
	}
	return dst
}

// appendHeader appends the header of a masked frame that declares size bytes, of
// which none need ever come.
func appendHeader(dst []byte, first byte, size uint64) []byte {
	switch {
	case size < 126:
		dst = append(dst, first, 0x80|byte(size))
	case size <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, first, 0x80|126), uint16(size))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, 0x80|127), size)
	}
	return append(dst, 0x37, 0xfa, 0x21, 0x3d)
}

// frame is one that the server sent.
type frame struct {
	op      byte
	fin     bool
	packed  bool // RSV1: compressed
	payload []byte
}

// code returns the code of a close frame, 1005 if there is none.
func (f frame) code() int {
	if len(f.payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(f.payload))
}

// illegalError says what no server may send.
type illegalError struct{ what string }

func (e *illegalError) Error() string { return "siege: the server sent " + e.what }

func illegal(format string, args ...any) error {
	return &illegalError{what: fmt.Sprintf(format, args...)}
}

// maxFrame is the longest frame that readFrame takes.
const maxFrame = 256 << 20

// readFrame reads one frame of a server and is strict about it (RFC 6455 §5.2,
// §5.5). deflate says whether RSV1 is agreed on. What spans frames, the caller checks.
func readFrame(br *bufio.Reader, deflate bool) (f frame, err error) {
	var h [8]byte
	if _, err := io.ReadFull(br, h[:2]); err != nil {
		return f, err
	}
	f.op, f.fin, f.packed = h[0]&0x0f, h[0]&fin != 0, h[0]&rsv1 != 0
	size, control := uint64(h[1]&0x7f), f.op >= opClose
	switch {
	case h[0]&0x30 != 0, f.packed && (!deflate || control || f.op == opContinuation):
		return f, illegal("reserved bits %#x", h[0])
	case f.op > opBinary && f.op < opClose, f.op > opPong:
		return f, illegal("opcode %d", f.op)
	case h[1]&0x80 != 0:
		return f, illegal("a masked frame")
	case control && (!f.fin || size > 125):
		return f, illegal("a control frame that is long or fragmented")
	case size == 126:
		_, err = io.ReadFull(br, h[:2])
		if size = uint64(binary.BigEndian.Uint16(h[:])); err == nil && size < 126 {
			err = illegal("%d in 16 bits", size)
		}
	case size == 127:
		_, err = io.ReadFull(br, h[:8])
		if size = binary.BigEndian.Uint64(h[:]); err == nil && (size <= 0xffff || size > maxFrame) {
			err = illegal("%d in 64 bits", size)
		}
	}
	if err != nil {
		return f, torn(err)
	}
	f.payload = make([]byte, size)
	if _, err = io.ReadFull(br, f.payload); err != nil {
		return f, torn(err)
	}
	return f, f.checkClose()
}

// checkClose checks the payload of a close frame.
func (f frame) checkClose() error {
	if f.op != opClose || len(f.payload) == 0 {
		return nil
	}
	code := f.code()
	switch {
	case len(f.payload) == 1 || !utf8.Valid(f.payload[2:]):
		return illegal("a malformed close frame % x", f.payload)
	case code < 1000 || code > 4999 || code == 1004 || code == 1005 || code == 1006 || code > 1014 && code < 3000:
		return illegal("close code %d", code)
	}
	return nil
}

// torn: an end inside a frame is never a proper one.
func torn(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
