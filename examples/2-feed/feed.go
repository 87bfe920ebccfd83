package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// feed is the client of the exchange: what a program needs that wants prices and
// places orders. It says what it wants once; that a connection is lost now and then
// shows in the timeline, and nowhere in the code of its modules.
type feed struct {
	client   *actors.Client
	wallet   *wallet
	sequence *sequence
	prices   *prices
	traders  *traders
	risk     *risk
	screen   *screen
	told     chan struct{} // closed when all events have been shown

	mu      sync.Mutex
	symbols []string
	venue   string    // of the latest attempt
	lost    time.Time // since when there is no connection
}

// user is whom the exchange knows.
const user = "desk-7"

// openFeed makes the client. It does not connect yet.
func openFeed(system *actor.ActorSystem, logger *slog.Logger, urls []string, fetch func(string) string, symbols []string, s *screen) (*feed, error) {
	f := &feed{screen: s, told: make(chan struct{}), wallet: &wallet{user: user, fetch: fetch}}
	f.sequence = newSequence(f.current)
	f.prices = newPrices(f.up, f.down)
	f.risk = newRisk()
	f.traders = newTraders(symbols, func(event, text string) { s.note(note{Event: event, Text: text}) })
	var err error
	f.client, err = actors.NewClient(system, urls[0], actors.ClientOptions{
		Name: "feed",
		URLs: urls[1:],
		// Each module gets the messages of its types, and nothing else.
		Modules:    []actors.Module{f.prices.module(), f.traders.orders.Module(), f.traders.status.Module(), f.risk.module()},
		Middleware: []actors.Middleware{f.sequence.middleware()},
		// The first thing on every connection. Then all subscriptions, once.
		Authenticate: f.wallet.logIn,
		Request:      f.dials,
		// The exchange wants to see that somebody is there.
		KeepAlive: actors.KeepAlive{Every: time.Second, Message: func() transport.Message { return message(typePresence, nil) }},
		// A dead exchange is found within a second, and tried again soon: this is a
		// demonstration. The defaults are kinder to the other side.
		Heartbeat: actors.Heartbeat{Interval: 500 * time.Millisecond, Timeout: 500 * time.Millisecond},
		Backoff:   supervisor.Backoff{InitialDelay: 150 * time.Millisecond, MaxDelay: 300 * time.Millisecond, StableAfter: 500 * time.Millisecond},
		Logger:    logger,
	})
	if err != nil {
		return nil, err
	}
	f.risk.client = f.client
	events := f.client.States(context.Background()) // ends with the client
	go func() {
		defer close(f.told)
		for e := range events {
			f.follow(e)
		}
	}()
	for _, symbol := range symbols {
		if err := f.want(symbol); err != nil {
			return nil, errors.Join(err, f.close(context.Background()))
		}
	}
	return f, nil
}

// want subscribes to a symbol, now and on every connection to come.
func (f *feed) want(symbol string) error {
	f.mu.Lock()
	f.symbols = append(f.symbols, symbol)
	f.sequence.expect(len(f.symbols))
	f.mu.Unlock()
	return f.client.Want(symbol, message(typeSubscribe, subscribe{Symbol: symbol}))
}

// wanted returns the symbols.
func (f *feed) wanted() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.symbols[:len(f.symbols):len(f.symbols)]
}

// dials is asked before every attempt where to and with what. Here it only notes
// whose turn it is.
func (f *feed) dials(_ context.Context, a actors.Attempt) (actors.Target, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.venue = a.URL
	if u, err := url.Parse(a.URL); err == nil {
		f.venue = strings.TrimPrefix(u.Path, "/")
	}
	return actors.Target{}, nil
}

// up shows that a connection is ready.
func (f *feed) up(epoch uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := note{Event: "ready", Connection: epoch, Text: fmt.Sprintf("logged in at the %s as %s", f.venue, user)}
	if !f.lost.IsZero() {
		n.Text += ", back after " + short(time.Since(f.lost))
		f.lost = time.Time{}
	}
	f.screen.note(n)
}

// down notes that a connection has ended.
func (f *feed) down() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lost.IsZero() {
		f.lost = time.Now()
	}
}

// follow shows how connections end, and what is done about it.
func (f *feed) follow(e actors.Event) {
	f.mu.Lock()
	venue := f.venue
	f.mu.Unlock()
	n := note{Event: e.Kind.String(), Connection: e.Epoch}
	switch e.Kind {
	case actors.EventReconnecting:
		n.Event, n.DelayMS = "lost", e.Delay.Round(time.Millisecond).Milliseconds()
		n.Text = fmt.Sprintf("%s; next attempt in %s", causeOf(e.Cause), short(e.Delay))
		if h, ok := errors.AsType[*transport.HandshakeError](e.Cause); ok && h.Status > 0 {
			n.Event, n.Connection = "refused", 0
			n.Text = fmt.Sprintf("the %s answered %s", venue, n.Text)
		} else if actors.Unauthorized(e.Cause) {
			n.Event, n.Text = "denied", "by the "+venue+": "+n.Text
		}
	case actors.EventDisconnected:
		if e.Cause != nil {
			return // what follows says it too
		}
		n.Event, n.Text = "closed", "on purpose, with 1000"
	case actors.EventStopped:
		n.Connection, n.Text = 0, causeOf(e.Cause)
	default:
		return
	}
	f.screen.note(n)
}

// causeOf is the innermost part of an error that a trader cares for.
func causeOf(err error) string {
	switch {
	case err == nil:
		return ""
	case actors.Unauthorized(err):
		if a, ok := errors.AsType[*actors.AuthError](err); ok && a.Err != nil {
			return a.Err.Error()
		}
	}
	if h, ok := errors.AsType[*transport.HandshakeError](err); ok && h.Status > 0 {
		return strings.TrimPrefix(h.Error(), "transport: handshake: status ")
	}
	text := err.Error()
	for _, source := range []string{"actors: ", "transport: ", "read: "} { // what a trader need not know
		text = strings.TrimPrefix(text, source)
	}
	return text
}

// current is told when a connection has brought every symbol up to date.
func (f *feed) current(epoch uint64, symbols int, gaps []gap) {
	n := note{Event: "subscribed", Connection: epoch, Text: plural(symbols, "symbol")}
	var parts []string
	for _, g := range gaps {
		n.Missed += g.missing()
		parts = append(parts, fmt.Sprintf("%s %d", g.symbol, g.missing()))
	}
	if n.Missed > 0 {
		n.Text += fmt.Sprintf(", %s missed: %s", plural(n.Missed, "price"), strings.Join(parts, ", "))
	}
	f.screen.note(n)
}

// flows waits until a connection later than that one has brought everything up to
// date. It returns false if ctx is done or the client has stopped.
func (f *feed) flows(ctx context.Context, after uint64) bool {
	for f.sequence.upToDate() <= after {
		if f.client.State() == actors.Stopped || !rest(ctx, 5*time.Millisecond) {
			return false
		}
	}
	return f.client.WaitReady(ctx) == nil // modules may have messages a moment before
}

// close ends the client and waits until its last event has been shown.
func (f *feed) close(ctx context.Context) error {
	err := f.client.Close(ctx)
	select {
	case <-f.told:
	case <-ctx.Done():
	}
	return err
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

// short is a duration as people say it.
func short(d time.Duration) string { return d.Round(time.Millisecond).String() }

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
