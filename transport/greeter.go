package transport

// Greeter is whoever wants to know what becomes of a Newcomer. Exactly one of its
// methods is called, once. Neither may block.
type Greeter interface {
	// Asked: the header of a request has come. The loop of the Poller calls it. Answer
	// follows, now or later, from any goroutine.
	Asked(n *Newcomer)
	// Gone: no whole header came; err, a *HandshakeError, says why. Refuse follows, from
	// a goroutine that may block. It may be called from inside Close and Expire.
	Gone(n *Newcomer, err error)
}
