package actors

import (
	"errors"
	"fmt"
)

// State is where a client stands.
type State uint8

// The states of a client.
const (
	// Idle: made, but never told to connect.
	Idle State = iota
	// Connecting: a socket is being dialled.
	Connecting
	// Opening: the socket is up and the set-up steps run.
	Opening
	// Ready: messages flow.
	Ready
	// Closing: the connection is being ended on purpose.
	Closing
	// Backoff: the connection was lost and the next attempt waits its delay.
	Backoff
	// Held: down until Connect.
	Held
	// Stopped: ended for good.
	Stopped
)

var stateNames = [...]string{"idle", "connecting", "opening", "ready", "closing", "backoff", "held", "stopped"}

// String returns the state in one word.
func (s State) String() string { return stateNames[s] }

// up reports whether a socket is there.
func (s State) up() bool { return s == Opening || s == Ready }

// Command is what a client can be told to do.
type Command uint8

// The commands of a client.
const (
	// Connect goes up, from Idle or Held; in Backoff it dials at once.
	Connect Command = iota
	// Disconnect closes with the handshake, resets the session state and dials
	// anew.
	Disconnect
	// Hold closes with the handshake and stays down until Connect.
	Hold
	// Reconnect closes with the handshake and dials anew, session state kept.
	Reconnect
	// Shutdown closes with the handshake and ends the client for good.
	Shutdown

	commands = iota
)

var commandNames = [commands]string{"connect", "disconnect", "hold", "reconnect", "shutdown"}

// String returns the command in one word.
func (c Command) String() string { return commandNames[c] }

// ErrSuperseded answers a command whose effect a later command took back, such
// as a Hold that was followed by Connect before the connection was down.
var ErrSuperseded = errors.New("actors: superseded by a later command")

// ErrHeld answers Reconnect on a client that is held: only Connect lifts a hold.
var ErrHeld = errors.New("actors: client is held; Connect lifts the hold")

// goal is what a client is on its way to.
type goal uint8

const (
	goalNone goal = iota
	goalUp
	goalHeld
	goalDown
)

// step is what a command leads to.
type step struct {
	goal  goal
	act   act
	reset bool  // the session state is reset once the connection is down
	err   error // the answer, when the command changes nothing
}

// act is what is done with the connection that is there.
type act uint8

const (
	actNone  act = iota // nothing; the command is answered at once
	actSpawn            // there is none: make one
	actHurry            // cut its backoff short
	actClose            // end it with the close handshake, then go on to the goal
	actAbort            // it has no peer yet: stop it, then go on to the goal
	actWait             // it is already ending: only the goal changes
)

// decide is the table of states and commands: each pair is defined, and nothing
// but the pair (and the goal of a client that is closing) matters.
func decide(s State, g goal, c Command) step {
	if s == Stopped || g == goalDown {
		if c == Shutdown {
			return step{goal: goalDown, act: pick(s == Stopped, actNone, actWait)}
		}
		return step{goal: goalDown, err: fmt.Errorf("%s: %w", c, ErrStopped)}
	}
	switch c {
	case Connect:
		return step{goal: goalUp, act: connectAct(s)}
	case Disconnect:
		if s == Held || s == Closing && g == goalHeld {
			return step{goal: goalHeld, act: endAct(s), reset: true}
		}
		return step{goal: goalUp, act: redialAct(s), reset: true}
	case Hold:
		return step{goal: goalHeld, act: endAct(s)}
	case Reconnect:
		if s == Held || s == Closing && g == goalHeld {
			return step{goal: goalHeld, err: ErrHeld}
		}
		return step{goal: goalUp, act: redialAct(s)}
	default:
		return step{goal: goalDown, act: endAct(s)}
	}
}

func connectAct(s State) act {
	switch s {
	case Idle, Held:
		return actSpawn
	case Backoff:
		return actHurry
	case Closing:
		return actWait
	default:
		return actNone
	}
}

// endAct is how a connection in state s is brought down.
func endAct(s State) act {
	switch s {
	case Connecting, Backoff:
		return actAbort
	case Opening, Ready:
		return actClose
	case Closing:
		return actWait
	default:
		return actNone
	}
}

func redialAct(s State) act {
	if s == Idle {
		return actSpawn
	}
	return endAct(s)
}

// pick returns a if cond holds, else b.
func pick[T any](cond bool, a, b T) T {
	if cond {
		return a
	}
	return b
}
