package load

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// patience is how long a server may answer nothing at all before a run gives up.
const patience = 10 * time.Second

// VerifyEach sends one message on every connection, one connection after another, and
// checks that the same bytes come back. It leaves out the side connections.
func (g *Generator) VerifyEach() error {
	for i, c := range g.conns {
		if c.side {
			continue
		}
		if err := g.verify(c); err != nil {
			return fmt.Errorf("connection %d of %d: %w", i+1, len(g.conns), err)
		}
	}
	return nil
}

func (g *Generator) verify(c *conn) error {
	c.parser.keep = true
	defer func() { c.parser.keep, c.parser.kept = false, nil }()
	start := now()
	if err := c.send(1, start); err != nil {
		return err
	}
	answers := 0
	for answers == 0 {
		_, err := g.poll(pollInterval, func(from *conn, messages int) error {
			if from != c || messages != 1 {
				return errors.New("a message came that nobody asked for")
			}
			from.answered()
			answers += messages
			return nil
		})
		if err != nil {
			return err
		}
		if now()-start > int64(patience) {
			return fmt.Errorf("no echo in %v", patience)
		}
	}
	if !bytes.Equal(c.parser.kept, g.payload) {
		return errors.New("the echo differs from what was sent")
	}
	return nil
}
