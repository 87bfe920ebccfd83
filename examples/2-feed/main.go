// A market-data client, and the exchange that it has to live with: one that expires
// tokens, cuts sockets, falls silent, restarts, and refuses those who come too often.
// Both are in this program, on the loopback. It shows what the user of such a feed
// wants to see, and checks that all of it is true.
//
//	go run ./examples/2-feed
//
// To read: messages.go (what the two say to each other), feed.go (the client),
// wallet.go (its login), prices.go, traders.go and risk.go (its modules), sequence.go
// (its middleware), story.go (what happens to it), checks.go (what must hold in the
// end). The exchange is in exchange.go, sessions.go, market.go, desk.go, riskdesk.go,
// gate.go, wire.go and witness.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

const usage = `usage: go run ./examples/2-feed [flags]

A client of an exchange that misbehaves, on 127.0.0.1. Exit status 0 only if
everything that it showed was true.

  --seconds N   about how long it goes on, from 2 to 3600 (10)
  --seed N      of all that is random: prices, orders, answers (1)
  --json        one JSON object per line
`

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// patience is how much longer than asked for a run may take.
const patience = 30 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program the hard way
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options is what the user asked for.
type options struct {
	seconds float64
	seed    uint64
	json    bool
}

// run does what the arguments ask for and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("2-feed", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { _, _ = io.WriteString(stderr, usage) }
	f.Float64Var(&o.seconds, "seconds", 10, "")
	f.Uint64Var(&o.seed, "seed", 1, "")
	f.BoolVar(&o.json, "json", false, "")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case f.NArg() > 0 || !(o.seconds >= 2 && o.seconds <= 3600): // NaN is neither
		_, _ = fmt.Fprintln(stderr, "2-feed: --seconds must be from 2 to 3600, and nothing may follow the flags")
		return exitUsage
	}
	well, err := live(ctx, o, stdout, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "2-feed:", err)
	}
	if err != nil || !well {
		return exitFailed
	}
	return exitOK
}

// live runs the exchange and the client, and reports whether all checks hold.
func live(ctx context.Context, o options, stdout, stderr io.Writer) (well bool, err error) {
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	system := actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return logger }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // so long a goroutine of its own may outlive the system
	)
	defer system.Shutdown()

	symbols := []string{"EURUSD", "GBPUSD", "USDJPY", "AUDUSD", "USDCHF"}
	ex, err := openExchange(system, logger, len(symbols), o.seed)
	if err != nil {
		return false, err
	}
	s := newScreen(stdout, o.json)
	urls := []string{ex.primary.url(), ex.backup.url()}
	fd, err := openFeed(system, logger, urls, ex.sessions.issue, symbols, s)
	if err != nil {
		return false, errors.Join(err, ex.close(ctx))
	}

	d := &day{length: time.Duration(o.seconds * float64(time.Second)), seed: o.seed, exchange: ex, feed: fd, screen: s}
	d.begin()
	day, cancel := context.WithTimeout(ctx, d.length+patience)
	problem := d.pass(day)
	cancel()

	d.interrupted = ctx.Err() != nil
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	closed := fd.close(end)
	problem = errors.Join(problem, ex.close(end))
	return d.sum(d.audit(closed)), problem
}
