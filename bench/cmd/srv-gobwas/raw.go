package main

import (
	"errors"
	"net"

	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/bench/internal/wire"
)

const (
	firstBuffer = 4 << 10
	// A buffer that one read fills is doubled up to this size; beyond it grows only for
	// a message that does not fit.
	largeBuffer = 64 << 10
)

// echoRaw answers with one write whatever one read has brought.
func echoRaw(c net.Conn, work func()) error {
	in := make([]byte, firstBuffer)
	var out []byte
	have := 0
	for {
		n, err := c.Read(in[have:])
		if err != nil {
			return err
		}
		have += n
		full := have == len(in)
		answers, rest, need := wire.Echo(out[:0], in[:have])
		if need > peer.MaxMessage {
			return errors.New("message too big")
		}
		if out = answers; len(out) > 0 {
			work()
			if _, err := c.Write(out); err != nil {
				return err
			}
		}
		have = copy(in, rest)
		if need > len(in) || full && len(in) < largeBuffer {
			larger := make([]byte, max(need, 2*len(in)))
			copy(larger, in[:have])
			in = larger
		}
	}
}
