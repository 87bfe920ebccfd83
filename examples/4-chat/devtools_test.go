//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// command is one of the DevTools protocol. Session names the tab; "" is the browser.
type command struct {
	Session string
	Method  string
	Params  any
}

// devToolsEvent is what the browser tells unasked.
type devToolsEvent struct {
	Session string `json:"sessionId"`
	Method  string `json:"method"`
	Params  json.RawMessage
}

// newDevTools returns the wire form of the protocol, for one API. Its ids are numbers
// of 31 bits; those of the API are longer, and their upper part is always the same.
func newDevTools() modules.Wire[command, json.RawMessage] {
	var upper atomic.Uint64
	const lower = 1<<31 - 1
	return modules.Wire[command, json.RawMessage]{
		Encode: func(id string, c command) (transport.Message, error) {
			n, err := strconv.ParseUint(id, 10, 64)
			if err != nil {
				return transport.Message{}, err
			}
			upper.Store(n &^ lower)
			payload, err := json.Marshal(struct {
				ID      uint64 `json:"id"`
				Session string `json:"sessionId,omitempty"`
				Method  string `json:"method"`
				Params  any    `json:"params,omitempty"`
			}{n & lower, c.Session, c.Method, c.Params})
			return transport.Message{Kind: transport.Text, Payload: payload}, err
		},
		Decode: func(m transport.Message) (a modules.Answer[json.RawMessage], ok bool) {
			var r struct {
				ID     *uint64
				Result json.RawMessage
				Error  *struct{ Message string }
			}
			if err := json.Unmarshal(m.Payload, &r); err != nil {
				return a, false
			}
			if r.ID == nil {
				a.Value = append(json.RawMessage(nil), m.Payload...)
				return a, true
			}
			a.ID, a.Value = strconv.FormatUint(upper.Load()|*r.ID, 10), r.Result
			if r.Error != nil {
				a.Err = fmt.Errorf("chromium: %s", r.Error.Message)
			}
			return a, true
		},
	}
}
