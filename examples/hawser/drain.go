package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

const (
	// tellEvery is how often it is told how far a drain is, and who was refused.
	tellEvery = time.Second
	// leaveEvery is the time between two clients that are told to leave, if there is
	// time enough: fifty a second come back elsewhere without anybody noticing.
	leaveEvery = 20 * time.Millisecond
	// atOnce is how long a drain takes at most that is to take no time.
	atOnce = 5 * time.Second
	// clearing is how long it may take on top of that until everything is gone.
	clearing = 500 * time.Millisecond
	// lastWords is how long the program lives after the second signal, whatever is stuck.
	lastWords = 800 * time.Millisecond
)

// pace says how long a drain takes at most that may take so long, and how it goes; not
// positive: at once.
func pace(within time.Duration, connections int) (time.Duration, actors.DrainOptions) {
	o := actors.DrainOptions{Code: transport.ServiceRestart, Reason: "the server restarts"}
	if within <= 0 {
		within = atOnce
	} else {
		o.Over = min(within/2, time.Duration(connections)*leaveEvery)
	}
	o.Over = max(o.Over, time.Millisecond)
	return within, o
}

// drain ends the server: in order, or by force at the second signal.
func (s *serving) drain(ctx context.Context) error {
	ctx, stop := insist(context.WithoutCancel(ctx))
	defer stop()
	within, o := pace(s.o.drain, s.server.Connections())
	limited, cancel := context.WithTimeout(ctx, within+clearing)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- s.server.Drain(limited, o) }()
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		s.tell.draining(s.server.Connections())
		select {
		case err := <-drained:
			if err != nil && ctx.Err() != nil {
				return fmt.Errorf("ended by a second signal: %w", err)
			}
			return err
		case <-tick.C:
			s.tell.refused(s.server.Stats().Refused)
		}
	}
}

// insist returns a context that ends with the next signal. The program then ends too,
// soon, even if something is stuck.
func insist(ctx context.Context) (forced context.Context, stop func()) {
	forced, cancel := context.WithCancel(ctx)
	signals, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			time.AfterFunc(lastWords, func() { os.Exit(exitFailed) })
			cancel()
		case <-over:
		}
	}()
	return forced, func() {
		signal.Stop(signals)
		close(over)
		cancel()
	}
}
