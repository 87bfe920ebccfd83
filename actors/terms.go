package actors

import (
	"context"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// terms are the times that a connection is bound to. They are made only if there are
// some.
type terms struct {
	expires int64              // the end of its lifetime, ns; 0: none
	recheck int64              // when its principal is asked about again, or the answer is due, ns; 0: not
	asking  bool               // it has been asked about
	cancel  context.CancelFunc // ends the asking
}

func newTerms(p *policy, known bool, now time.Time) *terms {
	if p.lifetime == 0 && (p.revalidate == nil || !known) {
		return nil
	}
	t := &terms{}
	if p.lifetime > 0 {
		t.expires = instant(now.Add(scatter(p.lifetime)))
	}
	if p.revalidate != nil && known {
		t.recheck = instant(now.Add(scatter(p.revalidateEvery)))
	}
	return t
}

// overstayed ends a connection whose time is over, and asks whether it may stay if
// that is due.
func (c *connection) overstayed(now int64) {
	p := &c.conn.side.policy
	switch t := c.terms; {
	case t != nil && t.expires > 0 && now >= t.expires:
		c.close(transport.CloseError{Code: transport.ServiceRestart, Reason: "connection is too old"}, false, errLifetime)
	case p.idle > 0 && now-c.conn.lastMessage.Load() >= int64(p.idle) && !c.conn.occupied():
		c.close(transport.CloseError{Code: transport.GoingAway, Reason: "idle"}, false, errIdle)
	case t == nil || t.recheck == 0 || now < t.recheck:
	case t.asking:
		c.close(refusal(errUnanswered), false, errUnanswered)
	default:
		c.revalidate(now)
	}
}
