package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// session is one run of connect.
type session struct {
	o      connectOptions
	std    stdio
	out    *lineWriter
	report reporter
	system *actor.ActorSystem
	logger *slog.Logger
	client *actors.Client
	lines  *lines

	opened   atomic.Bool   // it has been ready once
	gaveUp   atomic.Int64  // after so many attempts; 0: it did not
	followed chan struct{} // closed when every event has been told, the last one included
	read     chan error    // gets nil at the end of the input
}

func newSession(o connectOptions, std stdio) *session {
	s := &session{
		o: o, std: std, out: newLineWriter(std.out), lines: newLines(),
		followed: make(chan struct{}), read: make(chan error, 1),
	}
	s.system, s.logger = newSystem(std.err)
	if o.json {
		s.report = &jsonReporter{out: s.out, hide: o.hide}
	} else {
		paint := palette{on: wantsColour(realWriter(std.err))}
		s.report = &textReporter{
			out: s.out, err: std.err, screen: isTerminal(std.out), paint: paint, start: time.Now(), hide: o.hide,
		}
	}
	return s
}

// realWriter is what is behind a lineWriter.
func realWriter(w io.Writer) io.Writer {
	if l, ok := w.(*lineWriter); ok {
		return l.w
	}
	return w
}

// run connects and goes on until the end of the input, a signal, or the end of
// the connection for good.
func (s *session) run(ctx context.Context) error {
	defer s.system.Shutdown()
	o := s.o.client
	o.Logger = s.logger
	o.OnOutcome = s.lines.outcomes
	// The module is not Async: it prints within the turn that reads, so that what
	// came before a close frame is printed before the client ends.
	o.Modules = []actors.Module{{Name: "printer", New: func() actors.Handler { return actors.HandlerFunc(s.receive) }}}
	client, err := actors.NewClient(s.system, s.o.url, o)
	if err != nil {
		return err
	}
	s.client = client
	events := client.States(context.WithoutCancel(ctx)) // from here on, so that none is missed
	go func() {
		defer close(s.followed)
		for e := range events {
			s.follow(e)
		}
	}()
	go s.lines.print(s.report.lines)
	if err := client.Connect(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, actors.ErrStopped) {
		return errors.Join(err, s.leave(ctx, transport.GoingAway))
	}
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if !s.o.echo {
		go func() { s.read <- s.readInput(reading) }()
	}
	return s.wait(ctx)
}

// follow tells of an event of the client.
func (s *session) follow(e actors.Event) {
	switch e.Kind {
	case actors.EventReady:
		s.opened.Store(true)
	case actors.EventReconnectFailed:
		s.gaveUp.Store(int64(e.Attempt))
	}
	s.report.state(e)
	s.lines.changed()
}

// wait returns when one of the things has happened that end a session.
func (s *session) wait(ctx context.Context) error {
	select {
	case <-s.followed:
		return s.ended(ctx)
	case <-s.out.failed():
		return errors.Join(fmt.Errorf("cannot write to stdout: %w", s.out.err), s.leave(ctx, transport.GoingAway))
	case <-ctx.Done():
		return s.leave(ctx, transport.GoingAway)
	case err := <-s.read:
		if err != nil {
			return errors.Join(fmt.Errorf("cannot read the input: %w", err), s.leave(ctx, transport.GoingAway))
		}
		return s.drain(ctx)
	}
}

// receive handles a message from the server.
func (s *session) receive(ctx *actors.Context, m transport.Message) {
	if s.o.echo {
		if _, err := ctx.Echo(m); err != nil {
			s.logger.Warn("a message was not echoed", "bytes", len(m.Payload), "error", err)
		}
	}
	s.report.received(m)
}

// readInput sends every line of the input.
func (s *session) readInput(ctx context.Context) error {
	limit := s.o.client.Outbox.Bytes
	if limit < 0 {
		limit = 1 << 40
	}
	in := newLineReader(s.std.in, limit)
	for number := 1; ctx.Err() == nil; number++ {
		line, tooLong, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case tooLong:
			s.lines.refused(number, "too-big")
		default:
			s.send(ctx, number, line)
		}
	}
	return nil
}

// send has a line sent. When the outbox is full and the connection is up, the
// input waits until some have left; when it is down the line is dropped.
func (s *session) send(ctx context.Context, number int, line []byte) {
	for {
		retry, err := s.lines.accept(number, func() (uint64, error) { return s.client.Send(transport.Text, line) })
		if err == nil {
			return
		}
		if !errors.Is(err, actors.ErrOutboxFull) || s.client.State() != actors.Ready {
			s.lines.refused(number, refusal(err))
			return
		}
		select {
		case <-retry:
		case <-ctx.Done():
			s.lines.refused(number, refusal(err))
			return
		}
	}
}

// drain waits until every line has its outcome, and closes. If there has been no
// connection at all it waits for one: who pipes something into us wants to know
// whether it arrived.
func (s *session) drain(ctx context.Context) error {
	deadline := time.Now().Add(leaveTime)
	t := time.NewTimer(closeTime)
	defer t.Stop()
	for {
		n, changed := s.lines.waiting()
		if n == 0 && s.opened.Load() {
			return s.leaveBy(ctx, transport.NormalClosure, deadline)
		}
		select {
		case <-changed:
		case <-s.followed:
			return s.ended(ctx)
		case <-ctx.Done():
			return s.leave(ctx, transport.GoingAway)
		case <-t.C:
			return s.leaveBy(ctx, transport.NormalClosure, deadline)
		}
	}
}

func (s *session) leave(ctx context.Context, code transport.CloseCode) error {
	return s.leaveBy(ctx, code, time.Now().Add(leaveTime))
}

// leaveBy closes the connection. By the deadline it is ended by force.
func (s *session) leaveBy(ctx context.Context, code transport.CloseCode, deadline time.Time) error {
	closing, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	err := s.client.CloseWith(closing, code, "")
	return s.finish(ctx, err)
}

// ended is the end that nobody here asked for.
func (s *session) ended(ctx context.Context) error {
	cause := s.client.Err()
	if err := s.finish(ctx, s.client.Close(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	var frame *transport.CloseError
	normal := errors.As(cause, &frame) && (frame.Code == transport.NormalClosure || frame.Code == transport.NoStatus)
	if cause == nil || normal && s.o.client.Restart == supervisor.Temporary {
		return nil
	}
	text := s.o.hide.text(cause.Error())
	switch n := s.gaveUp.Load(); n {
	case 0:
	case 1:
		text = "gave up after the first attempt: " + text
	default:
		text = fmt.Sprintf("gave up after %d attempts: %s", n, text)
	}
	return errors.New(text)
}

// finish waits until everything is told and every goroutine is gone. err is what
// the closing of the client said.
func (s *session) finish(ctx context.Context, err error) error {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), forceTime)
	defer cancel()
	if err != nil { // it is being ended by force; that is quick unless stdout is stuck
		if s.client.WaitStopped(last) == nil || last.Err() == nil {
			err = s.client.Close(last)
		}
	}
	s.lines.end()
	for _, done := range []<-chan struct{}{s.followed, s.lines.printed} {
		select {
		case <-done:
		case <-last.Done():
			return errors.Join(err, errors.New("nobody reads stdout: not everything was told"))
		}
	}
	return err
}
