package main

import (
	"errors"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/modules/ratelimit"
	"github.com/hawser-go/hawser/transport"
)

// typed answers the three types, decoded.
func typed() actors.Module {
	return modules.Define("typed", func(r *modules.Routes) {
		modules.On(r, "price", func(c *modules.Ctx, m peer.Price) error { return acknowledge(c, m.Symbol, m.Seq) })
		modules.On(r, "order", func(c *modules.Ctx, m peer.Order) error { return acknowledge(c, m.Symbol, m.Seq) })
		modules.On(r, "cancel", func(c *modules.Ctx, m peer.Cancel) error { return acknowledge(c, m.Symbol, m.Seq) })
	}, modules.With(func(m *actors.Module) { m.Path = peer.TypedPath }))
}

func acknowledge(c *modules.Ctx, symbol string, seq uint64) error {
	return c.Reply("ack", peer.Ack{Symbol: symbol, Seq: seq})
}

// middleware is three actors, in the order in which they see a message.
func middleware() []actors.Middleware {
	limit, err := ratelimit.New(ratelimit.Options{
		Inbound: ratelimit.Limit{Messages: peer.TypedRate, MessageBurst: peer.TypedRate},
	})
	if err != nil {
		peer.Fail(err)
	}
	limit.Inline = false // it needs no actor, and gets one: that is what is measured
	return []actors.Middleware{
		{Name: "count", FailOpen: true, New: newCounter},
		limit,
		{Name: "stamp", New: func() actors.Interceptor { return stamper{peer.Symbols{}} }},
	}
}

// counter counts messages by their type.
type counter struct{ counts map[string]*uint64 }

func newCounter() actors.Interceptor {
	c := counter{map[string]*uint64{}}
	for _, name := range peer.Types() {
		c.counts[name] = new(uint64)
	}
	return c
}

// OnReceive implements actors.Interceptor.
func (c counter) OnReceive(_ *actors.Conn, m transport.Message) actors.Verdict {
	if h, err := (modules.JSON{}).Peek(m, modules.TypePart); err == nil {
		if n := c.counts[string(h.Type)]; n != nil {
			*n++
		}
	}
	return actors.Pass()
}

// OnSend implements actors.Interceptor.
func (counter) OnSend(*actors.Conn, transport.Message) actors.Verdict { return actors.Pass() }

// stamper notes when a symbol was named, and lets nothing pass to the typed route that
// names none.
type stamper struct{ symbols peer.Symbols }

// bySymbol reads the symbol where others have the id of a message.
var bySymbol = modules.JSON{ID: "symbol"}

var errNoSymbol = errors.New("the symbol is missing, or is no symbol")

// OnReceive implements actors.Interceptor.
func (s stamper) OnReceive(c *actors.Conn, m transport.Message) actors.Verdict {
	if c.Path() != peer.TypedPath {
		return actors.Pass() // an echo need not have a symbol
	}
	h, err := bySymbol.Peek(m, modules.IDPart)
	if err != nil {
		return actors.Reject(err)
	}
	if !s.symbols.Stamp(h.ID, time.Now()) {
		return actors.Reject(errNoSymbol)
	}
	return actors.Pass()
}

// OnSend implements actors.Interceptor.
func (stamper) OnSend(*actors.Conn, transport.Message) actors.Verdict { return actors.Pass() }
