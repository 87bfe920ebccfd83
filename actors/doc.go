// Package actors runs WebSocket connections as supervised actors on
// protoactor-go: a [Client] that stays connected, and a [Server] that holds
// many connections, with the same actors below both.
//
// What holds whatever happens:
//
//   - Every accepted message ends in exactly one outcome (see [Books]).
//   - Only the writer of a connection writes, so no frame is ever torn.
//   - A late event of an old socket never reaches the new one: every private
//     message names its epoch.
//   - Every queue has a bound in messages and in bytes.
//   - Close and Drain return within their deadline, and return nil only when
//     every actor, goroutine and socket below them is gone.
//
// Two planes. What must outlive a socket (the outbox, the books, the policy)
// reaches the actors of an incarnation through their Props. What is made new
// with it (socket, decoder, deadlines) lives in their fields.
//
// The data path is a turn: everything that one read of a socket brought runs
// from reader to module to writer back to back on one thread, and the replies
// leave in one write. A handler that blocks is noticed and moved aside.
package actors
