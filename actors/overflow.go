package actors

import "fmt"

// OverflowPolicy says what happens when a queue is full. Not every queue has
// every policy: see [Module.Overflow] and [OutboxLimits.Overflow].
type OverflowPolicy uint8

// The overflow policies.
const (
	// DefaultOverflow is the default of the queue: Block for a module, RejectNewest
	// for a client's outbox, CloseSlow for that of a server's connection.
	DefaultOverflow OverflowPolicy = iota
	// Block makes whoever has more wait. A module's queue stops reading from the
	// connection, so that TCP pushes back on the peer, and other routes of that
	// connection wait with it. An outbox makes Client.Post wait for room; Send,
	// which never waits, returns ErrOutboxFull.
	Block
	// DropOldest drops what has waited longest.
	DropOldest
	// DropNewest drops what has just come.
	DropNewest
	// CloseSlow closes the connection with 1013.
	CloseSlow
	// RejectNewest does not accept what has just come, and says so. Only for an
	// outbox: Send and Post return ErrOutboxFull.
	RejectNewest

	policies = iota
)

var policyNames = [policies]string{"default", "block", "drop-oldest", "drop-newest", "close-slow", "reject-newest"}

// String returns the policy in one word.
func (p OverflowPolicy) String() string {
	if p >= policies {
		return fmt.Sprintf("policy %d", uint8(p))
	}
	return policyNames[p]
}
