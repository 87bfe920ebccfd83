package actors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// ways are the directions of the link, to us and to the peer.
func (c *closeCell) ways() (there, back transporttest.Direction) {
	if c.server {
		return transporttest.ToServer, transporttest.ToClient
	}
	return transporttest.ToClient, transporttest.ToServer
}

// judge compares what happened with what is wanted.
func (c *closeCell) judge() {
	want := closeWanted(c.code, c.mode, c.state, c.server)
	c.judgeFrames(want)
	c.judgeTime(want)
	if got := int(c.conn.peerCode.Load()); got != want.saw {
		c.fault("we know the peer's code as %d, want %d", got, want.saw)
	}
	select {
	case err := <-c.causes:
		if got := causeOf(err); want.cause != "*" && got != want.cause {
			c.fault("handlers are told %q (%v), want %q", got, err, want.cause)
		}
	default:
		c.fault("handlers are not told of the end")
	}
	for _, left := range below(c.w.system, c.conn.PID().Id) {
		if c.server {
			c.fault("left: %s", left)
		}
	}
	if _, err := c.conn.Send(transport.Text, []byte("too late")); !errors.Is(err, ErrStopped) {
		c.fault("a message is accepted behind the end: %v", err)
	}
}

func (c *closeCell) judgeFrames(want closeWant) {
	s := c.seen
	frames := strings.Join(s.frames, ", ")
	prefix, open := strings.CutSuffix(want.frame, "*")
	if len(s.frames) > 1 || frames != want.frame && (!open || !strings.HasPrefix(frames, prefix)) {
		c.fault("the peer saw close frames [%s], want [%s]", frames, want.frame)
	}
	if s.behind > 0 {
		c.fault("%d frames behind the close frame", s.behind)
	}
	if want.end != "*" && s.end != want.end {
		c.fault("then %q, want %q", s.end, want.end)
	}
	if s.broken || s.data > c.sent || want.data == "all" && s.data != c.sent {
		c.fault("%d of %d messages before the close frame (in order: %t), want %s", s.data, c.sent, !s.broken, want.data)
	}
}

func (c *closeCell) judgeTime(want closeWant) {
	limit := matrixTimeout + matrixSlack
	if want.atOnce {
		limit = matrixSlack
	}
	if c.took > limit {
		c.fault("the socket is gone after %v, want %v", c.took, limit)
	}
	if want.late && c.took < matrixTimeout {
		c.fault("the socket is gone after %v already, the peer had %v", c.took, matrixTimeout)
	}
}

// causeOf puts the cause of an end into a word.
func causeOf(err error) string {
	if f, ok := errors.AsType[*transport.CloseError](err); ok {
		return strings.TrimSpace(fmt.Sprint("frame ", uint16(f.Code), " ", f.Reason))
	}
	if p, ok := errors.AsType[*transport.ProtocolError](err); ok {
		return fmt.Sprint("violation ", uint16(p.Code))
	}
	if _, ok := errors.AsType[*CloseTimeoutError](err); ok {
		return "timeout"
	}
	return fmt.Sprint(err)
}

// finish ends the server or the client, which must leave nothing. The books must
// balance before that already on a server, where nothing outlives its connection.
func (c *closeCell) finish() {
	if c.server {
		c.balanced(c.w.server.Books())
		if n := c.w.server.Connections(); n != 0 {
			c.fault("%d connections are counted", n)
		}
		c.w.end()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.client.WaitStopped(ctx); ctx.Err() != nil {
		c.fault("the client has not stopped: %v", err)
	}
	if err := c.client.Close(context.Background()); err != nil {
		c.fault("close: %v", err)
	}
	c.balanced(c.client.Books())
	c.w.end()
}

func (c *closeCell) balanced(b Books) {
	if !b.Balanced() || b.InFlight != 0 || b.Accepted != uint64(c.sent) {
		c.fault("books of %d messages: %v", c.sent, b)
	}
}
