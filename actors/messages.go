package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// Send asks a client or a server's connection to send a message. Its payload
// must not be changed after it was sent. The answer, if there is a sender to
// answer to, is a *Sent. While a client is down the message waits in its outbox;
// a connection that has ended makes a dead letter of it.
//
//	any actor → Client, Connection
type Send struct {
	Kind    transport.Kind
	Payload []byte
}

// Sent answers a Send. With Err nil the message was accepted and ID names it in
// its Outcome; otherwise it was not accepted.
//
//	Client, Connection → sender of Send
type Sent struct {
	ID  uint64
	Err error
}

// Do tells a client to carry out a command. The answer, a *Done, comes when the
// command has had its effect or cannot have it any more.
//
//	any actor → Client
type Do struct {
	Command Command
	// Code and Reason stand in the close frame of Disconnect, Hold, Reconnect and
	// Shutdown. Zero, or a code that must not be sent: 1000 (RFC 6455 §7.4.1).
	Code   transport.CloseCode
	Reason string
}

// Done answers a Do.
//
//	Client → sender of Do
type Done struct {
	Command Command
	Err     error
}

// Close ends a server's connection with the close handshake, behind the messages
// that it has accepted. A Code of zero, or one that must not be sent, means 1000.
//
//	any actor → Connection
type Close struct {
	Code   transport.CloseCode
	Reason string
}

// GetStatus asks a client how it stands; the answer is a *Status.
//
//	any actor → Client
type GetStatus struct{}

// Status says how a client stands.
//
//	Client → sender of GetStatus
type Status struct {
	State State
	Epoch uint64
	// Connection is the connection actor, or nil while there is none.
	Connection *actor.PID
	// Cause is why the client stopped, once it has.
	Cause error
	Books Books
}

// AddModule spawns a module below a client or a server and routes to it from the
// next read on. Its OnConnect and OnReady are called for the connection of a client
// that is ready; the connection stays if it refuses it. It is not told of the
// connections that a server has. The answer is a *ModuleAdded.
//
//	any actor → Client, Server
type AddModule struct{ Module Module }

// ModuleAdded answers an AddModule.
//
//	Client, Server → sender of AddModule
type ModuleAdded struct {
	PID *actor.PID
	Err error
}
