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
func echoRaw(c net.Conn, work peer.Work) error {
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
		step := wire.Echo(out[:0], in[:have])
		if step.Need > peer.MaxMessage {
			return errors.New("message too big")
		}
		if out = step.All(); len(out) > 0 {
			work()
			if _, err := c.Write(out); err != nil {
				return err
			}
		}
		if step.Close != nil {
			return nil
		}
		have = copy(in, step.Rest)
		if step.Need > len(in) || full && len(in) < largeBuffer {
			larger := make([]byte, max(step.Need, 2*len(in)))
			copy(larger, in[:have])
			in = larger
		}
	}
}
