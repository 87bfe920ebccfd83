package ratelimit

import (
	"fmt"
	"math"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Limit is a token bucket for messages and one for payload bytes. A message must
// find room in both; one that does not takes nothing from either.
type Limit struct {
	// Messages is how many messages a second pass in the long run. Default 0: any
	// number.
	Messages float64
	// MessageBurst is how many may pass at once. Default: a second's worth, at least
	// 1.
	MessageBurst int
	// Bytes is how many payload bytes a second pass in the long run. Default 0: any
	// number.
	Bytes float64
	// ByteBurst is how many may pass at once: a message that is larger never passes.
	// Default: a second's worth, at least 64 KiB.
	ByteBurst int
}

// Action is what becomes of a message that is too much.
type Action uint8

// The actions. None of them waits.
const (
	// Drop ends the message and tells nobody: for messages that the next one makes
	// good. The outcome of an outbound message is Dropped, Rejected.
	Drop Action = iota
	// Reject is Drop with ErrExceeded in the outcome's Err. A peer is told nothing
	// about a message of its own.
	Reject
	// Close ends the connection, with Options.Code.
	Close
)

// Options says what is too much, of whom, and what becomes of it. The zero value
// drops what a connection receives above 100 messages a second.
type Options struct {
	// Name is the name of the middleware. Default "ratelimit"; a client or server
	// that has two of them gives one another name.
	Name string
	// Inbound and Outbound are the limits of the two directions. If both are zero,
	// Inbound is 100 messages a second with a burst of 200.
	//
	// Outbound counts a message again that goes through the middleware again,
	// because the socket died under it.
	Inbound, Outbound Limit
	// Key says who shares a bucket, such as ByAddress, or an identity that is found in
	// Conn.Metadata. It is asked once for each connection. A peer that reconnects goes
	// on with the bucket that it left. Default nil, or for a connection of which the
	// key is "": each connection has its own, and a reconnect gets a fresh one.
	Key func(*actors.Conn) string
	// Idle is how many keys are remembered that have no connection. Full buckets are
	// forgotten, since a fresh one is the same; then the ones that were left longest
	// ago. Default 65536.
	Idle int
	// Action is what becomes of what is too much. Default Drop.
	Action Action
	// Code is the close code of the action Close. Default 1008; 1013 asks the peer to
	// come back later (RFC 6455 §7.4.1).
	Code transport.CloseCode
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "ratelimit"
	}
	if o.Inbound == (Limit{}) && o.Outbound == (Limit{}) {
		o.Inbound = Limit{Messages: 100, MessageBurst: 200}
	}
	if o.Idle == 0 {
		o.Idle = 1 << 16
	}
	if o.Code == 0 {
		o.Code = transport.PolicyViolation
	}
	o.Inbound, o.Outbound = o.Inbound.withDefaults(), o.Outbound.withDefaults()
	return o
}

// none reports whether everything passes.
func (l Limit) none() bool { return l.Messages == 0 && l.Bytes == 0 }

func (l Limit) withDefaults() Limit {
	if l.Messages > 0 && l.MessageBurst == 0 {
		l.MessageBurst = int(math.Ceil(min(l.Messages, math.MaxInt32)))
	}
	if l.Bytes > 0 && l.ByteBurst == 0 {
		l.ByteBurst = int(math.Ceil(min(max(l.Bytes, 64<<10), math.MaxInt32)))
	}
	return l
}

func (o Options) validate() error {
	for _, l := range []struct {
		name string
		Limit
	}{{"Inbound", o.Inbound}, {"Outbound", o.Outbound}} {
		if err := l.validate("ratelimit.Options." + l.name); err != nil {
			return err
		}
	}
	switch {
	case o.Idle < 0:
		return &actors.OptionError{Option: "ratelimit.Options.Idle", Problem: "is negative; leave it 0 for the default of 65536"}
	case o.Action > Close:
		return &actors.OptionError{Option: "ratelimit.Options.Action", Problem: fmt.Sprintf("is %d; use Drop, Reject or Close", o.Action)}
	case o.Code != 0 && o.Action != Close:
		return &actors.OptionError{Option: "ratelimit.Options.Code", Problem: "is set, but nothing is closed; set Action to Close"}
	case o.Code != 0 && !o.Code.Sendable():
		return &actors.OptionError{Option: "ratelimit.Options.Code", Problem: fmt.Sprintf("%d must not stand in a close frame; use 1008 or 1013", o.Code)}
	}
	return nil
}

func (l Limit) validate(name string) error {
	for _, r := range []struct {
		rate  string
		value float64
		burst string
		n     int
	}{{"Messages", l.Messages, "MessageBurst", l.MessageBurst}, {"Bytes", l.Bytes, "ByteBurst", l.ByteBurst}} {
		switch {
		case r.value < 0 || math.IsNaN(r.value) || math.IsInf(r.value, 0):
			return &actors.OptionError{Option: name + "." + r.rate, Problem: fmt.Sprintf("is %v; it must be a number a second, or 0 for no limit", r.value)}
		case r.n < 0:
			return &actors.OptionError{Option: name + "." + r.burst, Problem: fmt.Sprintf("is %d; leave it 0 for a second's worth", r.n)}
		case r.n > 0 && r.value == 0:
			return &actors.OptionError{Option: name + "." + r.burst, Problem: fmt.Sprintf("is set, but %s is 0, which is no limit; set both", r.rate)}
		}
	}
	return nil
}
