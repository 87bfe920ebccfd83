package actors

import (
	"time"

	"github.com/hawser-go/hawser/transport"
)

// Strict returns o with bounds for a server on the open internet whose clients are
// not known: where o says nothing, the preset does. What it takes in place of the
// defaults:
//
//	Admission         20,000 connections, 32 for a key; 5 handshakes a second for a
//	                  key, 20 at once; 500 for all, 1,000 at once
//	Rates             100 messages a second, 200 at once; 256 KiB a second, 1 MiB at
//	                  once; 5 pings and pongs a second, 20 at once; 200 messages a
//	                  second for a key, 400 at once
//	Limits            16 KiB a message, 64 frames
//	Outbox            256 KiB
//	Heartbeat         15 s, and 5 s for the answer
//	HandshakeTimeout  3 s
//	IdleTimeout       5 min
//	MaxLifetime       12 h
//	WriteTimeout      5 s
//	CloseTimeout      3 s
func Strict(o ServerOptions) ServerOptions {
	return preset(o, ServerOptions{
		Admission: Admission{MaxConnections: 20_000, PerKey: 32, Rate: 5, Burst: 20, TotalRate: 500, TotalBurst: 1000},
		Rates: Rates{
			Messages: 100, MessageBurst: 200, Bytes: 256 << 10, ByteBurst: 1 << 20,
			Controls: 5, ControlBurst: 20, KeyMessages: 200, KeyMessageBurst: 400,
		},
		Limits:           transport.Limits{MaxMessage: 16 << 10, MaxFragments: 64},
		Outbox:           OutboxLimits{Bytes: 256 << 10},
		Heartbeat:        Heartbeat{Interval: 15 * time.Second, Timeout: 5 * time.Second},
		HandshakeTimeout: 3 * time.Second,
		IdleTimeout:      5 * time.Minute,
		MaxLifetime:      12 * time.Hour,
		WriteTimeout:     5 * time.Second,
		CloseTimeout:     3 * time.Second,
	})
}

// Permissive returns o with bounds for a server whose clients are known and behave,
// behind a proxy that has limits of its own: where o says nothing, the preset does.
// What it takes in place of the defaults:
//
//	Rates             1,000 pings and pongs a second, 1,000 at once
//	Limits            16 MiB a message, 65,536 frames
//	Outbox            64 MiB, 1,048,576 messages
//	Heartbeat         45 s, and 30 s for the answer
//	HandshakeTimeout  15 s
//	WriteTimeout      60 s
//	CloseTimeout      10 s
func Permissive(o ServerOptions) ServerOptions {
	return preset(o, ServerOptions{
		Rates:            Rates{Controls: 1000, ControlBurst: 1000},
		Limits:           transport.Limits{MaxMessage: 16 << 20, MaxFragments: 1 << 16},
		Outbox:           OutboxLimits{Bytes: 64 << 20, Messages: 1 << 20},
		Heartbeat:        Heartbeat{Interval: 45 * time.Second, Timeout: 30 * time.Second},
		HandshakeTimeout: 15 * time.Second,
		WriteTimeout:     time.Minute,
		CloseTimeout:     10 * time.Second,
	})
}

// preset fills what o leaves open with what p says.
func preset(o, p ServerOptions) ServerOptions {
	a, b := &o.Admission, &p.Admission
	fill(&a.MaxConnections, b.MaxConnections)
	fill(&a.PerKey, b.PerKey)
	fillRate(&a.Rate, &a.Burst, b.Rate, b.Burst)
	fillRate(&a.TotalRate, &a.TotalBurst, b.TotalRate, b.TotalBurst)

	r, q := &o.Rates, &p.Rates
	fillRate(&r.Messages, &r.MessageBurst, q.Messages, q.MessageBurst)
	fillRate(&r.Bytes, &r.ByteBurst, q.Bytes, q.ByteBurst)
	fillRate(&r.Controls, &r.ControlBurst, q.Controls, q.ControlBurst)
	fillRate(&r.KeyMessages, &r.KeyMessageBurst, q.KeyMessages, q.KeyMessageBurst)

	fill(&o.Limits.MaxMessage, p.Limits.MaxMessage)
	fill(&o.Limits.MaxFragments, p.Limits.MaxFragments)
	fill(&o.Outbox.Bytes, p.Outbox.Bytes)
	fill(&o.Outbox.Messages, p.Outbox.Messages)
	fill(&o.Heartbeat.Interval, p.Heartbeat.Interval)
	fill(&o.Heartbeat.Timeout, p.Heartbeat.Timeout)
	fill(&o.HandshakeTimeout, p.HandshakeTimeout)
	fill(&o.IdleTimeout, p.IdleTimeout)
	fill(&o.MaxLifetime, p.MaxLifetime)
	fill(&o.WriteTimeout, p.WriteTimeout)
	fill(&o.CloseTimeout, p.CloseTimeout)
	return o
}

// fill sets what is not set.
func fill[T comparable](to *T, from T) {
	var unset T
	if *to == unset {
		*to = from
	}
}

// fillRate sets a rate with its burst: a burst of the preset is not for a rate of the
// user's.
func fillRate(rate *float64, burst *int, presetRate float64, presetBurst int) {
	if *rate == 0 {
		*rate = presetRate
		fill(burst, presetBurst)
	}
}
