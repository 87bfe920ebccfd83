package main

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

// typed is what somebody writes by hand for messages with a type: three functions in
// front, a switch, and encoding/json. It is shared by all connections.
type typed struct {
	counts map[string]*atomic.Uint64 // by type; never changed

	stamping sync.Mutex
	symbols  peer.Symbols
}

func newTyped() *typed {
	t := &typed{counts: map[string]*atomic.Uint64{}, symbols: peer.Symbols{}}
	for _, name := range peer.Types() {
		t.counts[name] = new(atomic.Uint64)
	}
	return t
}

// serve answers every message. One that it does not understand ends the connection.
func (t *typed) serve(c *websocket.Conn) error {
	bucket := rate.NewLimiter(peer.TypedRate, peer.TypedRate)
	for {
		_, p, err := c.ReadMessage()
		if err != nil {
			return err
		}
		var head struct {
			Type   string `json:"type"`
			Symbol string `json:"symbol"`
		}
		if err := json.Unmarshal(p, &head); err != nil {
			return err
		}
		t.count(head.Type)
		if !bucket.Allow() {
			continue
		}
		if !t.stamp(head.Symbol) {
			return fmt.Errorf("%q is no symbol", head.Symbol)
		}
		ack, err := handle(head.Type, p)
		if err != nil {
			return err
		}
		answer, err := json.Marshal(ack)
		if err != nil {
			return err
		}
		if err := c.WriteMessage(websocket.TextMessage, answer); err != nil {
			return err
		}
	}
}

func (t *typed) count(name string) {
	if n := t.counts[name]; n != nil {
		n.Add(1)
	}
}

func (t *typed) stamp(symbol string) bool {
	t.stamping.Lock()
	defer t.stamping.Unlock()
	return t.symbols.Stamp([]byte(symbol), time.Now())
}

// acknowledgement is an Ack with its type.
type acknowledgement struct {
	Type string `json:"type"`
	peer.Ack
}

// handle decodes a message into the struct of its type.
func handle(name string, p []byte) (acknowledgement, error) {
	switch name {
	case "price":
		var m peer.Price
		err := json.Unmarshal(p, &m)
		return acknowledge(m.Symbol, m.Seq), err
	case "order":
		var m peer.Order
		err := json.Unmarshal(p, &m)
		return acknowledge(m.Symbol, m.Seq), err
	case "cancel":
		var m peer.Cancel
		err := json.Unmarshal(p, &m)
		return acknowledge(m.Symbol, m.Seq), err
	}
	return acknowledgement{}, fmt.Errorf("there is no type %q", name)
}

func acknowledge(symbol string, seq uint64) acknowledgement {
	return acknowledgement{Type: "ack", Ack: peer.Ack{Symbol: symbol, Seq: seq}}
}
