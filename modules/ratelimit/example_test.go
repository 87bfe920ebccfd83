package ratelimit_test

import (
	"fmt"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/ratelimit"
	"github.com/hawser-go/hawser/transport"
)

// A server that takes 50 messages a second of each address, and tells whoever
// sends more to come back later.
func ExampleNew() {
	limit, err := ratelimit.New(ratelimit.Options{
		Inbound: ratelimit.Limit{Messages: 50, MessageBurst: 200, Bytes: 1 << 20},
		Key:     ratelimit.ByAddress,
		Action:  ratelimit.Close,
		Code:    transport.TryAgainLater,
	})
	if err != nil {
		panic(err)
	}
	_ = actors.ServerOptions{Middleware: []actors.Middleware{limit}}
	// Output:
}

// A limit that cannot be meant says what to do.
func ExampleNew_bad() {
	_, err := ratelimit.New(ratelimit.Options{Inbound: ratelimit.Limit{MessageBurst: 10}})
	fmt.Println(err)
	// Output: actors: ratelimit.Options.Inbound.MessageBurst is set, but Messages is 0, which is no limit; set both
}
