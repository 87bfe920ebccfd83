package modules_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// My code is to receive the price messages.
func ExampleDefine() {
	done := make(chan struct{})
	prices := modules.Define("prices", func(r *modules.Routes) {
		last := map[string]float64{} // made anew if the module ever panics
		modules.On(r, "price", func(c *modules.Ctx, p Price) error {
			fmt.Println(p.Symbol, "from", last[p.Symbol], "to", p.Bid)
			if last[p.Symbol] = p.Bid; p.Bid == 3 {
				close(done)
			}
			return nil
		})
	})

	e := openExchange()
	client := e.dial(prices)
	<-done
	e.close(client)
	// Output:
	// EURUSD from 0 to 1
	// USDJPY from 0 to 2
	// EURUSD from 1 to 3
}

// Ask the peer, and wait for the answer.
func ExampleNewAPI() {
	quotes := modules.NewAPI[QuoteRequest, Quote]("quote", modules.APIOptions{WaitReady: true})

	e := openExchange()
	client := e.dial(quotes.Module())

	q, err := quotes.Call(context.Background(), QuoteRequest{Symbol: "EURUSD"}) // from any goroutine
	fmt.Println(q.Symbol, q.Ask, err)

	_, err = quotes.Call(context.Background(), QuoteRequest{})
	var refused *modules.PeerError
	if errors.As(err, &refused) {
		fmt.Println("refused:", refused.Text)
	}

	_ = client.Hold(context.Background()) // or the network does
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err = quotes.Call(ctx, QuoteRequest{Symbol: "EURUSD"})
	fmt.Println(errors.Is(err, modules.ErrNotReady))

	e.close(client)
	// Output:
	// EURUSD 1.25 <nil>
	// refused: no symbol
	// true
}

// A few lines for all messages.
func ExampleFunc() {
	done := make(chan struct{})
	seen := 0
	tap := modules.Func("tap", func(c *modules.Ctx, m transport.Message) error {
		fmt.Println(c.Type(), len(m.Payload), "bytes")
		if seen++; seen == 3 {
			close(done)
		}
		return nil
	})

	e := openExchange()
	client := e.dial(tap)
	<-done
	e.close(client)
	// Output:
	// price 42 bytes
	// price 42 bytes
	// price 42 bytes
}

// typed is a rule: the messages in which a text stands.
type typed string

func (t typed) Matcher(actors.ConnInfo) func(transport.Message) bool {
	return func(m transport.Message) bool { return strings.Contains(string(m.Payload), string(t)) }
}

// Read messages in a loop of one's own.
func ExampleStream() {
	euros := modules.NewStream("euros", typed("EUR"), modules.StreamOptions{})

	e := openExchange()
	client := e.dial(euros.Module())
	n := 0
	for m := range euros.All(context.Background()) { // ends with the client
		fmt.Println(string(m.Payload))
		if n++; n == 2 {
			break
		}
	}
	e.close(client)
	// Output:
	// {"type":"price","symbol":"EURUSD","bid":1}
	// {"type":"price","symbol":"EURUSD","bid":3}
}

// Send, and wait for the message that follows.
func ExampleStream_Await() {
	answers := modules.NewStream("answers", typed(`"quote"`), modules.StreamOptions{Buffer: -1})

	e := openExchange()
	client := e.dial(answers.Module())
	w := answers.Await(nil) // before the question, so that the answer cannot be missed
	_, _ = client.SendText(`{"type":"quote","symbol":"USDJPY"}`)
	m, err := w.Wait(context.Background())
	fmt.Println(string(m.Payload), err)
	e.close(client)
	// Output:
	// {"type":"quote","symbol":"USDJPY","ask":1.25} <nil>
}

// A slow consumer that holds nobody up: it works beside the thread that reads, and
// loses the oldest messages when it falls behind.
func ExampleWith() {
	done := make(chan struct{})
	archive := modules.Define("archive", func(r *modules.Routes) {
		modules.On(r, "price", func(c *modules.Ctx, p Price) error {
			if p.Bid == 3 {
				close(done)
			}
			return nil // imagine a slow disk here
		})
	}, modules.With(func(m *actors.Module) {
		m.Async = true
		m.QueueBytes = 256 << 10
		m.Overflow = actors.DropOldest
	}))

	e := openExchange()
	client := e.dial(archive)
	<-done
	e.close(client)
	fmt.Println("archived")
	// Output: archived
}

// What went wrong with messages: counted, and told.
func ExampleWithErrors() {
	done := make(chan struct{})
	var counters modules.Counters
	strict := modules.Define("strict", func(r *modules.Routes) {
		modules.On(r, "price", func(c *modules.Ctx, p Price) error {
			if p.Symbol != "EURUSD" {
				return fmt.Errorf("what is %s?", p.Symbol)
			}
			if p.Bid == 3 {
				defer close(done)
			}
			return nil
		})
	}, modules.WithCounters(&counters), modules.WithErrors(func(c *modules.Ctx, err error) {
		fmt.Println(err)
	}))

	e := openExchange()
	client := e.dial(strict)
	<-done
	e.close(client)
	fmt.Printf("%+v\n", counters.Counts())
	// Output:
	// what is USDJPY?
	// {Handled:2 Failed:1 Undecoded:0 Unknown:0 Panicked:0}
}
