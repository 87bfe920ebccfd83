package dedup_test

import (
	"encoding/json"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/dedup"
	"github.com/hawser-go/hawser/transport"
)

// A server whose clients send an order again until it is confirmed. Each order is
// carried out until it has been confirmed once; a client that asks again gets the
// confirmation again.
func ExampleForServer() {
	type order struct{ ID, Confirms string }
	parse := func(m transport.Message) (o order) {
		_ = json.Unmarshal(m.Payload, &o) // of what is no order both fields are empty
		return o
	}
	once, err := dedup.ForServer(
		func(m transport.Message) string { return parse(m).ID },
		func(c *actors.Conn) string { return c.Metadata().(string) }, // the customer's number
		dedup.Options{
			Done: func(m transport.Message) string { return parse(m).Confirms },
			Duplicate: func(_ *actors.Conn, m transport.Message) actors.Verdict {
				answer, _ := json.Marshal(order{Confirms: parse(m).ID})
				return actors.Reply(transport.Message{Kind: transport.Text, Payload: answer})
			},
		})
	if err != nil {
		panic(err)
	}
	_ = actors.ServerOptions{Middleware: []actors.Middleware{once}}
	// Output:
}
