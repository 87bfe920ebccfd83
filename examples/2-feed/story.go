package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/hawser-go/hawser/actors"
)

// episode is something that happens to a client of an exchange.
type episode struct {
	at    float64 // when it begins, as a part of the whole time
	event string
	text  string
	do    func(*day, context.Context)
}

// story is a bad day in ten seconds. Each episode waits until prices flow again
// after the one before.
var story = []episode{
	{.13, "network", "the socket is cut in the middle of the stream", (*day).cut},
	{.27, "exchange", "it restarts: 1012 to everybody, 503 at the door, all tokens expire", (*day).restart},
	{.40, "user", "one more symbol is wanted: BTCUSD", (*day).wantMore},
	{.45, "network", "silence: nothing comes through any more, and nobody says so", (*day).silence},
	{.65, "user", "40 orders at once", (*day).basket},
	{.72, "user", "a loop runs away and sends 1000 messages", (*day).runAway},
	{.82, "network", "the socket is cut as soon as it is up, again and again", (*day).flap},
}

const (
	baskets  = 40
	runaways = 1000
	mostCuts = 20
)

// day is one run.
type day struct {
	length   time.Duration
	seed     uint64
	exchange *exchange
	feed     *feed
	screen   *screen

	done        int          // episodes
	interrupted bool         // by the user
	stats       actors.Stats // at the end, before the client is closed
}

// pass has three traders trade while the story happens.
func (d *day) pass(ctx context.Context) error {
	start := time.Now()
	if err := d.feed.client.Connect(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	trading, stop := context.WithCancel(ctx)
	var busy sync.WaitGroup
	for i, name := range []string{"anna", "ben", "carl"} {
		busy.Go(func() { d.feed.traders.trade(trading, name, d.chance(uint64(i))) })
	}
	busy.Go(func() { d.feed.risk.run(trading, d.feed.wanted) })
	busy.Go(func() { d.report(trading) })
	for _, e := range story {
		if !rest(ctx, time.Until(start.Add(time.Duration(e.at*float64(d.length))))) || !d.feed.flows(ctx, d.before()) {
			break
		}
		d.screen.note(note{Event: e.event, Text: e.text})
		e.do(d, ctx)
		d.done++
	}
	if rest(ctx, time.Until(start.Add(d.length))) {
		d.feed.flows(ctx, d.before())
	}
	stop()
	busy.Wait() // until the traders know what became of every order
	d.stats = d.feed.client.Stats()
	return nil
}

// chance is a source of random numbers, the same for the same seed.
func (d *day) chance(n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(d.seed, 2000+n)) //nolint:gosec // a simulation
}

// epoch is the number of the connection that there is, or will be next.
func (d *day) epoch() uint64 { return d.feed.client.Stats().Epoch }

// before is the number before that.
func (d *day) before() uint64 { return max(d.epoch(), 1) - 1 }

func (d *day) cut(ctx context.Context) {
	was := d.epoch()
	d.exchange.cut()
	d.feed.flows(ctx, was)
}

func (d *day) restart(ctx context.Context) {
	was := d.epoch()
	d.exchange.restart()
	d.feed.flows(ctx, was)
}

func (d *day) silence(ctx context.Context) {
	was := d.epoch()
	d.exchange.silence()
	d.feed.flows(ctx, was)
}

func (d *day) wantMore(context.Context) {
	if err := d.feed.want("BTCUSD"); err != nil {
		d.screen.note(note{Event: "user", Text: err.Error()})
	}
}

func (d *day) basket(ctx context.Context) {
	d.feed.traders.basket(context.WithoutCancel(ctx), "basket", baskets, d.chance(10))
}

// runAway sends until the exchange has had enough.
func (d *day) runAway(ctx context.Context) {
	was := d.epoch()
	d.feed.risk.runAway(runaways)
	d.feed.flows(ctx, was)
}

// flap cuts every connection until the exchange refuses us.
func (d *day) flap(ctx context.Context) {
	before := d.exchange.gate.refusals(http.StatusTooManyRequests)
	for range mostCuts {
		d.cut(ctx)
		if ctx.Err() != nil || d.exchange.gate.refusals(http.StatusTooManyRequests) > before {
			return
		}
	}
}

// report shows prices and orders every second, on a terminal more often.
func (d *day) report(ctx context.Context) {
	every := time.Second
	if d.screen.live {
		every /= 5
	}
	for rest(ctx, every) {
		d.status()
	}
	d.screen.foot(nil)
}
