package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/ratelimit"
	"github.com/hawser-go/hawser/transport"
)

// exchange is the other side: a server with two addresses and four modules, which
// does all that a client of an exchange has to live with.
type exchange struct {
	primary, backup *venue
	gate            *gate
	witness         *witness
	sessions        *sessions
	market          *market
	desk            *desk
	risk            *riskdesk
	server          *actors.Server

	stop context.CancelFunc
	runs sync.WaitGroup
}

// openExchange opens the exchange, for clients that want that many symbols.
func openExchange(system *actor.ActorSystem, logger *slog.Logger, symbols int, seed uint64) (*exchange, error) {
	e := &exchange{gate: newGate(), witness: newWitness(symbols), sessions: newSessions(), risk: newRiskdesk()}
	e.market = newMarket(e.sessions, seed)
	e.desk = newDesk(e.sessions, e.market, seed)
	// Who sends far too much is closed with 1013, "try again later".
	guard, err := ratelimit.New(ratelimit.Options{
		Inbound: ratelimit.Limit{Messages: 100, MessageBurst: 200},
		Action:  ratelimit.Close, Code: transport.TryAgainLater,
	})
	if err != nil {
		return nil, err
	}
	if e.primary, err = openVenue("primary"); err != nil {
		return nil, err
	}
	if e.backup, err = openVenue("backup"); err != nil {
		_ = e.primary.Close()
		return nil, err
	}
	e.server, err = actors.NewServer(system, actors.ServerOptions{
		Name:       "exchange",
		Modules:    []actors.Module{e.sessions.module(), e.market.module(), e.desk.module(), e.risk.module()},
		Middleware: []actors.Middleware{e.witness.middleware(), guard},
		Authorize:  e.gate.authorize,
		Logger:     logger,
	})
	if err != nil {
		return nil, errors.Join(err, e.primary.Close(), e.backup.Close())
	}
	var ctx context.Context
	ctx, e.stop = context.WithCancel(context.Background())
	e.runs.Go(func() { e.market.run(ctx) })
	for _, v := range []*venue{e.primary, e.backup} {
		e.runs.Go(func() { _ = e.server.Serve(v) }) // ends with the server
	}
	return e, nil
}

// wires returns the sockets that there are now: what a client opens while they are
// broken is not among them.
func (e *exchange) wires() []*wire { return append(e.primary.open(), e.backup.open()...) }

// cut breaks all sockets.
func (e *exchange) cut() {
	for _, w := range e.wires() {
		w.cut()
	}
}

// silence makes all connections half-open.
func (e *exchange) silence() {
	for _, w := range e.wires() {
		w.silence()
	}
}

// restart is what exchanges do at night: everybody has to leave, whoever comes back
// at once finds it closed, and tokens are worth nothing afterwards.
func (e *exchange) restart() {
	e.sessions.expire()
	e.gate.refuseNext()
	e.sessions.close(transport.ServiceRestart, "restarting")
}

// close ends the exchange and all that belongs to it.
func (e *exchange) close(ctx context.Context) error {
	e.stop()
	err := e.server.Close(ctx)
	e.runs.Wait()
	e.desk.late.Wait()
	return err
}
