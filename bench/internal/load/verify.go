package load

import (
	"bytes"
	"errors"
	"fmt"
)

// Verify sends one message on every connection, one connection after another, and checks
// the answer. It leaves out the side connections. With permessage-deflate it does so
// twice: only the second message can depend on the one before.
func (g *Generator) Verify() error {
	for i, c := range g.conns {
		for range g.o.rounds() {
			if c.side {
				continue
			}
			if err := g.verify(c); err != nil {
				return fmt.Errorf("connection %d of %d: %w", i+1, len(g.conns), err)
			}
		}
	}
	return nil
}

func (g *Generator) verify(c *conn) error {
	c.parser.keep = true
	defer func() { c.parser.keep, c.parser.kept = false, nil }()
	payload := g.o.Payloads[c.place.frame]
	start := now()
	if err := c.send(1, start); err != nil {
		return err
	}
	answers := 0
	for answers == 0 {
		_, err := g.poll(pollInterval, func(from *conn, messages int) error {
			if from != c || messages != 1 {
				return errUnasked
			}
			from.flight.pop()
			answers += messages
			return nil
		})
		if err != nil {
			return err
		}
		if now()-start > int64(g.patience) {
			return fmt.Errorf("no echo in %v", g.patience)
		}
	}
	return g.o.judge(payload, c.parser.kept)
}

// rounds is how many messages of a connection tell whether its server works.
func (o *Options) rounds() int {
	if o.Deflate {
		return 2
	}
	return 1
}

// judge says what is wrong with an answer, as it came off the wire, to a payload.
func (o *Options) judge(payload, answer []byte) (err error) {
	if o.Deflate {
		if answer, err = inflate(answer, len(payload)); err != nil {
			return fmt.Errorf("the answer cannot be inflated: %w", err)
		}
	}
	if o.Judge != nil {
		return o.Judge(payload, answer)
	}
	if !bytes.Equal(answer, payload) {
		return errors.New("the echo differs from what was sent")
	}
	return nil
}
