package logging

import (
	"context"
	"log/slog"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// log is what all Interceptors of one middleware share: it outlives their
// restarts.
type log struct {
	logger         *slog.Logger
	level          slog.Level
	received, sent *sampler
}

func (l *log) message(what string, s *sampler, c *actors.Conn, m transport.Message) {
	ctx := context.Background()
	if !l.logger.Enabled(ctx, l.level) {
		return
	}
	skipped, ok := s.take(time.Now())
	if !ok {
		return
	}
	attrs := [5]slog.Attr{
		slog.Uint64("connection", c.ID()), slog.Uint64("epoch", c.Epoch()),
		slog.String("kind", m.Kind.String()), slog.Int("bytes", len(m.Payload)),
		slog.Int64("skipped", skipped),
	}
	n := len(attrs)
	if skipped == 0 {
		n--
	}
	l.logger.LogAttrs(ctx, l.level, what, attrs[:n]...)
}

func (l *log) event(what string, cause error, attrs ...slog.Attr) {
	if cause != nil {
		attrs = append(attrs, slog.String("cause", cause.Error()))
	}
	l.logger.LogAttrs(context.Background(), l.level, what, attrs...)
}

type interceptor struct{ log *log }

// OnReceive implements actors.Interceptor.
func (i *interceptor) OnReceive(c *actors.Conn, m transport.Message) actors.Verdict {
	i.log.message("received", i.log.received, c, m)
	return actors.Pass()
}

// OnSend implements actors.Interceptor.
func (i *interceptor) OnSend(c *actors.Conn, m transport.Message) actors.Verdict {
	i.log.message("sent", i.log.sent, c, m)
	return actors.Pass()
}

// connects also logs how connections come and go.
type connects struct{ interceptor }

// OnConnectionAttempt logs that a client is about to dial.
func (i *connects) OnConnectionAttempt(a actors.Attempt) error {
	i.log.event("connecting", a.Cause, slog.Int("attempt", a.Number))
	return nil
}

// OnConnectionFailure logs that the attempt failed.
func (i *connects) OnConnectionFailure(a actors.Attempt, cause error) {
	i.log.event("not connected", cause, slog.Int("attempt", a.Number))
}

// OnConnect logs that a connection is up.
func (i *connects) OnConnect(c *actors.Conn) error {
	i.log.event("connected", nil, of(c)...)
	return nil
}

// OnDisconnect logs its end, and what the sample has left out and no line has told
// yet.
func (i *connects) OnDisconnect(c *actors.Conn, cause error) {
	attrs := of(c)
	for _, s := range []struct {
		name string
		*sampler
	}{{"skipped_received", i.log.received}, {"skipped_sent", i.log.sent}} {
		if n := s.skipped.Swap(0); n > 0 {
			attrs = append(attrs, slog.Int64(s.name, n))
		}
	}
	i.log.event("disconnected", cause, attrs...)
}

// of names a connection. Its URL is left out: tokens stand in queries.
func of(c *actors.Conn) []slog.Attr {
	return []slog.Attr{slog.Uint64("connection", c.ID()), slog.Uint64("epoch", c.Epoch())}
}
