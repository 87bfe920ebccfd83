// Package logging is a middleware that logs the messages passing by: direction,
// kind and size, never their contents.
package logging

import (
	"context"
	"log/slog"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// New returns a middleware that logs every message to logger with level. It fails
// open: a logger that panics stops no message.
func New(logger *slog.Logger, level slog.Level) actors.Middleware {
	return actors.Middleware{
		Name:     "logging",
		FailOpen: true,
		New:      func() actors.Interceptor { return &interceptor{logger: logger, level: level} },
	}
}

type interceptor struct {
	logger *slog.Logger
	level  slog.Level
}

// OnReceive implements actors.Interceptor.
func (i *interceptor) OnReceive(c *actors.Conn, m transport.Message) actors.Verdict {
	return i.log("received", c, m)
}

// OnSend implements actors.Interceptor.
func (i *interceptor) OnSend(c *actors.Conn, m transport.Message) actors.Verdict {
	return i.log("sent", c, m)
}

func (i *interceptor) log(what string, c *actors.Conn, m transport.Message) actors.Verdict {
	i.logger.LogAttrs(context.Background(), i.level, what,
		slog.Uint64("connection", c.ID()), slog.Uint64("epoch", c.Epoch()),
		slog.String("kind", m.Kind.String()), slog.Int("bytes", len(m.Payload)))
	return actors.Pass()
}
