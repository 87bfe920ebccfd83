package actors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
)

// Principal is who is on the other side of a server's connection. It is set at the
// handshake and never changes: somebody else needs another connection. It is shared
// between goroutines, so it should be immutable.
type Principal interface {
	// Identity names the principal. Limits by key go by it.
	Identity() string
}

// revalidated: the user has been asked whether a connection may stay.
// Goroutine → Connection
type revalidated struct {
	epoch uint64
	err   error
}

func (*revalidated) private() {}

// revalidate asks the user whether the connection may stay; the answer comes as a
// message. Silence and panics are a no.
func (c *connection) revalidate(now int64) {
	patience := min(c.conn.side.policy.revalidateEvery, revalidateTimeout)
	c.terms.asking, c.terms.recheck = true, now+int64(patience)
	conn, ask := c.conn, c.conn.side.policy.revalidate
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	c.terms.cancel = cancel
	m := &revalidated{epoch: conn.epoch}
	conn.side.tasks.start("revalidation", func() {
		defer cancel()
		returned := false
		defer func() {
			if r := recover(); r != nil {
				m.err = fmt.Errorf("actors: Revalidate panicked: %w", supervisor.ToError(r))
			} else if !returned {
				m.err = errGoexit
			}
			conn.connection.PostUserMessage(m)
		}()
		m.err = ask(ctx, conn.who().principal)
		returned = true
	})
}

// revalidateTimeout bounds one call of Revalidate.
const revalidateTimeout = 10 * time.Second

// judge carries out the answer of revalidate.
func (c *connection) judge(ctx actor.Context, m *revalidated) {
	if !c.current(m.epoch) {
		return
	}
	if m.err != nil {
		c.close(refusal(m.err), false, m.err)
		return
	}
	c.terms.asking = false
	c.terms.recheck = nanos() + int64(scatter(c.conn.side.policy.revalidateEvery))
	c.schedule()
}

// scatter is d give or take a tenth: what is due for many connections should not be
// due for all at once.
func scatter(d time.Duration) time.Duration {
	return d - d/10 + time.Duration(rand.Int64N(int64(d/5)+1))
}
