package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

const demoUsage = `usage: hawser demo [flags]

A server, a client with one module and one middleware, and between them a link
that is cut again and again, all in this program. Shows what the client does
about it, and in the end where every message went. Exit status 0 only if the
books balance.

  --seconds N   how long it goes on (10)
  --cuts N      how often the link is cut (5)
  --json        one JSON object per event
`

const (
	// tickEvery is the time between two messages; one of draftEvery is a draft.
	tickEvery  = 20 * time.Millisecond
	draftEvery = 50
	// patienceForOne is how long one step of the demo may take beyond its time
	// before something must be wrong.
	patienceForOne = 10 * time.Second
)

// demoOptions is what a user of demo asked for.
type demoOptions struct {
	length time.Duration
	cuts   int
	json   bool
}

func runDemo(ctx context.Context, args []string, std stdio) error {
	o := demoOptions{length: 10 * time.Second, cuts: 5}
	f := newFlagSet()
	f.seconds(&o.length, "seconds", 100*time.Millisecond, time.Hour)
	f.number(&o.cuts, "cuts", 0)
	f.yes(&o.json, "json")
	rest, err := f.parse(args)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return &usageError{"there is an argument too many"}
	}
	d := &demo{o: o, show: newTimeline(newLineWriter(std.out), o.json), tally: newTally()}
	return d.run(ctx, std)
}

// demo is one run of the demonstration.
type demo struct {
	o      demoOptions
	show   *timeline
	tally  *tally
	server *actors.Server
	link   *link
	client *actors.Client
	done   int // cuts

	mu   sync.Mutex
	sent int // messages so far, drafts included
	held int // how many were held at the last Ready
	mark int // when this one comes back, they have all gone through; 0: nothing is awaited
}

// period is the time between two cuts, and before the first and after the last.
func (d *demo) period() time.Duration { return d.o.length / time.Duration(d.o.cuts+1) }

func (d *demo) run(ctx context.Context, std stdio) error {
	system, logger := newSystem(std.err)
	defer system.Shutdown()
	var err error
	d.server, err = actors.NewServer(system, actors.ServerOptions{
		Modules: []actors.Module{echo.New("/echo", 1)}, Logger: logger,
	})
	if err != nil {
		return err
	}
	defer func() { _ = d.server.Close(context.WithoutCancel(ctx)) }() // not what the demo is about
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	go func() { _ = d.server.Serve(ln) }() // ends with the server
	if d.link, err = newLink(ln.Addr().String()); err != nil {
		return err
	}
	defer d.link.close()
	d.client, err = actors.NewClient(system, "ws://"+d.link.addr()+"/echo", actors.ClientOptions{
		Modules:    []actors.Module{{Name: "echoes", New: func() actors.Handler { return actors.HandlerFunc(d.receive) }}},
		Middleware: []actors.Middleware{{Name: "drafts", New: func() actors.Interceptor { return drafts{} }}},
		OnOutcome:  d.tally.settle,
		Backoff:    d.backoff(),
		Logger:     logger,
	})
	if err != nil {
		return err
	}
	d.show.begin(d.o)
	return d.story(ctx)
}

// backoff is short, so that something is to be seen within seconds.
func (d *demo) backoff() supervisor.Backoff {
	first := min(max(d.period()/4, 20*time.Millisecond), 300*time.Millisecond)
	return supervisor.Backoff{InitialDelay: first, MaxDelay: 4 * first, StableAfter: d.period() / 3}
}

// story is what happens: messages flow, the link is cut, everything recovers, and
// in the end the books are opened.
func (d *demo) story(ctx context.Context) error {
	told := make(chan struct{})
	events := d.client.States(context.WithoutCancel(ctx))
	go func() {
		defer close(told)
		for e := range events {
			d.follow(e)
		}
	}()
	problem := d.client.Connect(ctx)
	ticking, stop := context.WithCancel(ctx)
	var ticks sync.WaitGroup
	ticks.Go(func() { d.tick(ticking) })
	if problem == nil {
		problem = d.cutAgainAndAgain(ctx)
	}
	if problem == nil {
		problem = d.flows(ctx)
	}
	stop()
	ticks.Wait()
	if problem == nil {
		problem = d.comesBack(ctx, d.send(true)) // and before it what was sent before it
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), patienceForOne)
	defer cancel()
	if err := d.client.Close(end); err != nil {
		problem = errors.Join(problem, err)
	}
	select {
	case <-told:
	case <-end.Done():
	}
	a := d.tally.audit(d.client.Books())
	a.Cuts = d.done
	if problem != nil && ctx.Err() == nil {
		a.Problems = append(a.Problems, problem.Error())
	}
	d.show.ledger(a)
	if len(a.Problems) > 0 {
		return errors.New("not everything is accounted for")
	}
	return nil
}

// follow shows an event of the client.
func (d *demo) follow(e actors.Event) {
	d.show.state(e, d.tally.back())
	if e.Kind != actors.EventReady || e.Queued == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held, d.mark = e.Queued, d.sent
}

// receive is the module: it notes what came back.
func (d *demo) receive(ctx *actors.Context, m transport.Message) {
	number := d.tally.echo(string(m.Payload), ctx.Conn().Epoch())
	d.mu.Lock()
	held, reached := d.held, d.mark > 0 && number >= d.mark
	if reached {
		d.mark = 0
	}
	d.mu.Unlock()
	if reached {
		d.show.caughtUp(held, int(d.client.Books().InFlight), d.tally.back())
	}
}

// tick sends messages until ctx is done, connected or not.
func (d *demo) tick(ctx context.Context) {
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			d.send(false)
		case <-ctx.Done():
			return
		}
	}
}

// send sends the next message and returns its number.
func (d *demo) send(last bool) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sent++
	text := tickText
	if d.sent%draftEvery == 0 && !last {
		text = draftText
	}
	payload := fmt.Appendf(nil, "%s%06d", text, d.sent)
	d.tally.send(d.sent, func() (uint64, error) { return d.client.Send(transport.Text, payload) })
	return d.sent
}

// cutAgainAndAgain cuts the link at regular times, and returns when the time is
// over. Each cut waits until messages flow, so that there is something to cut.
func (d *demo) cutAgainAndAgain(ctx context.Context) error {
	start := time.Now()
	for i := range d.o.cuts {
		if !rest(ctx, time.Until(start.Add(time.Duration(i+1)*d.period()))) {
			return nil
		}
		if err := d.flows(ctx); err != nil {
			return err
		}
		f := fault(i % int(faults))
		d.done = i + 1
		d.show.cut(d.done, d.o.cuts, f, int(d.client.Books().InFlight), d.tally.back())
		d.link.cut(f)
		if f == outage {
			rest(ctx, min(max(d.period()/3, 50*time.Millisecond), 700*time.Millisecond))
			d.link.mend()
		}
	}
	rest(ctx, time.Until(start.Add(d.o.length)))
	return nil
}

// flows waits until a message comes back that is sent from now on. It cannot have
// gone over a connection that has been cut, even if the client has not noticed yet.
func (d *demo) flows(ctx context.Context) error {
	d.mu.Lock()
	next := d.sent + 1
	d.mu.Unlock()
	return d.comesBack(ctx, next)
}

func (d *demo) comesBack(ctx context.Context, number int) error {
	waiting, cancel := context.WithTimeout(ctx, patienceForOne)
	defer cancel()
	if err := d.tally.awaitEcho(waiting, number); err != nil {
		return fmt.Errorf("message %d has not come back for %s: %w", number, patienceForOne, err)
	}
	return nil
}

// rest waits; it returns false if ctx was done before.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// drafts is the middleware: it lets no drafts out.
type drafts struct{}

var errDraft = errors.New("drafts stay here")

// OnReceive implements actors.Interceptor.
func (drafts) OnReceive(*actors.Conn, transport.Message) actors.Verdict { return actors.Pass() }

// OnSend implements actors.Interceptor.
func (drafts) OnSend(_ *actors.Conn, m transport.Message) actors.Verdict {
	if bytes.HasPrefix(m.Payload, []byte(draftText)) {
		return actors.Reject(errDraft)
	}
	return actors.Pass()
}
