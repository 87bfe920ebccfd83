package main

import (
	"bytes"
	"errors"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// desk is a middleware of our own: it reads what passes, and decides.
type desk struct{}

// OnReceive judges what comes in, by its first word.
func (desk) OnReceive(_ *actors.Conn, m transport.Message) actors.Verdict {
	word, _, _ := bytes.Cut(m.Payload, []byte(" "))
	switch string(word) {
	case "shout":
		m.Payload = bytes.ToUpper(m.Payload) // new bytes: a payload is never changed in place
		return actors.Replace(m)
	case "spam":
		return actors.Drop("nobody reads it")
	case "time":
		return actors.Reply(transport.Message{Kind: transport.Text, Payload: []byte("it is noon")})
	case "bye":
		return actors.CloseConn(4000, "see you")
	}
	return actors.Pass()
}

var errSecret = errors.New("secrets stay here")

// OnSend judges what goes out.
func (desk) OnSend(_ *actors.Conn, m transport.Message) actors.Verdict {
	if bytes.HasPrefix(m.Payload, []byte("secret")) {
		return actors.Reject(errSecret)
	}
	return actors.Pass()
}

// newDesk declares it. It has no state, does not block, and so needs no actor.
func newDesk() actors.Middleware {
	return actors.Middleware{Name: "desk", Inline: true, New: func() actors.Interceptor { return desk{} }}
}
