package actors_test

import (
	"context"
	"fmt"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Stats and History answer also after the client has stopped.
func ExampleClient_Stats() {
	ctx, system := context.Background(), quietSystem()
	url, stop := priceServer(system)
	defer stop()

	prices := make(chan string)
	client, err := actors.Dial(ctx, system, url, actors.ClientOptions{
		Name: "feed",
		Modules: []actors.Module{{Name: "prices", New: func() actors.Handler {
			return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) { prices <- string(m.Payload) })
		}}},
	})
	check(err)
	_, err = client.SendText("EUR/USD")
	check(err)
	<-prices
	check(client.Close(ctx))

	s := client.Stats()
	fmt.Println(s.Attempts, s.Successful, s.MessagesSent, s.MessagesReceived, s.CloseCodes[transport.NormalClosure])
	for _, t := range client.History() {
		fmt.Println(t.Event)
	}
	// Output:
	// 1 1 1 1 1
	// connecting
	// connected
	// ready
	// disconnected
	// stopped
}
