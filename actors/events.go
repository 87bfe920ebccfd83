package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// EventKind is what happened to a client.
type EventKind uint8

// What can happen to a client, in the order in which it usually does.
const (
	// EventConnecting: an attempt begins to dial.
	EventConnecting EventKind = iota
	// EventConnected: the handshake succeeded; set-up steps run.
	EventConnected
	// EventReady: the set-up is done and held messages go out.
	EventReady
	// EventDisconnected: a connection that was up ended. Cause says why.
	EventDisconnected
	// EventReconnecting: the next attempt will begin after Delay.
	EventReconnecting
	// EventReconnected: ready again after a loss. Attempt is the attempt that
	// succeeded.
	EventReconnected
	// EventReconnectFailed: the policy gave up after Attempt attempts.
	EventReconnectFailed
	// EventHeld: down on purpose, until Connect.
	EventHeld
	// EventStopped: the end; nothing follows. Cause is nil after Shutdown.
	EventStopped
)

var eventNames = [...]string{
	"connecting", "connected", "ready", "disconnected", "reconnecting", "reconnected", "reconnect-failed", "held", "stopped",
}

// String returns the event in one word.
func (k EventKind) String() string { return eventNames[k] }

// Event says what happened to a client. Events are published in the order in
// which things happened: on the actor system's event stream, to every module, and
// through [Client.States].
//
//	Client → EventStream, Modules
type Event struct {
	// Kind is what happened.
	Kind EventKind
	// Client is the session actor, and Name its name.
	Client *actor.PID
	Name   string
	// At is when it happened.
	At time.Time
	// Epoch numbers the incarnations of the connection, from 1.
	Epoch uint64
	// Attempt numbers the attempts from 1 since the client was told to connect, or
	// since it last had a session that was stable (see supervisor.Backoff).
	Attempt int
	// Delay is how long the next attempt waits (EventReconnecting).
	Delay time.Duration
	// Cause is why it happened, where there is a why.
	Cause error
	// Queued is the number of messages in the outbox at that moment.
	Queued int
	// Missed is how many events before this one a slow reader of States lost.
	Missed int
}

// undelivered: a module that has ended misses nothing by an event.
func (*Event) undelivered() {}
