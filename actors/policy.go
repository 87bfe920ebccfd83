package actors

import (
	"context"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// policy is what a server asks of each of its connections. The zero value, which is
// that of a client, asks nothing.
type policy struct {
	messages, bytes, controls, keyMessages quota
	metered                                bool // one of messages, bytes, keyMessages is limited

	idle, lifetime  time.Duration // 0: no limit
	revalidate      func(context.Context, Principal) error
	revalidateEvery time.Duration
}

func newPolicy(o *ServerOptions) policy {
	r := &o.Rates
	p := policy{
		messages: newQuota(r.Messages, r.MessageBurst), bytes: newQuota(r.Bytes, r.ByteBurst),
		controls: newQuota(r.Controls, r.ControlBurst), keyMessages: newQuota(r.KeyMessages, r.KeyMessageBurst),
		idle: o.IdleTimeout, lifetime: o.MaxLifetime,
		revalidate: o.Revalidate, revalidateEvery: o.RevalidateEvery,
	}
	p.metered = p.messages.each > 0 || p.bytes.each > 0 || p.keyMessages.each > 0
	return p
}

// meter is what a connection has had of its rates. It is made with the first message
// that counts, and belongs to the reader.
type meter struct{ messages, bytes, controls bucket }

func (c *Conn) meterOf() *meter {
	if c.meter == nil {
		c.meter = new(meter)
	}
	return c.meter
}

// tooMuch is what a client is told that exceeds a rate.
func tooMuch(of string) error {
	return &transport.ProtocolError{Code: transport.PolicyViolation, Detail: "too many " + of}
}

// meterMessages cuts off what exceeds the rates. err says which, if something did.
func (c *Conn) meterMessages(msgs []transport.Message, now int64) (within []transport.Message, err error) {
	p, m := &c.side.policy, c.meterOf()
	if n := m.messages.take(p.messages, now, len(msgs)); n < len(msgs) {
		msgs, err = msgs[:n], tooMuch("messages")
	}
	if account := c.who().account; account != nil {
		if n := account.take(p.keyMessages, now, len(msgs)); n < len(msgs) {
			msgs, err = msgs[:n], tooMuch("messages")
		}
	}
	if p.bytes.each > 0 {
		for i := range msgs {
			if !m.bytes.draw(p.bytes, now, len(msgs[i].Payload)) {
				return msgs[:i], tooMuch("bytes")
			}
		}
	}
	return msgs, err
}

// meterControls reports whether more pings and pongs came than may; a batch holds only
// the last of them.
func (c *Conn) meterControls(came int, now int64) error {
	if c.meterOf().controls.take(c.side.policy.controls, now, came) < came {
		return tooMuch("pings and pongs")
	}
	return nil
}
