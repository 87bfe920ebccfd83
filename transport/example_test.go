package transport_test

import (
	"fmt"

	"github.com/hawser-go/hawser/transport"
)

// Errors about a URL teach what to write instead, and never repeat what was
// given: it may hold a token.
func ExampleParseURL() {
	for _, raw := range []string{
		"wss://feed.example.com/v1?token=secret",
		"https://feed.example.com/v1?token=secret",
		"ws://ada:secret@feed.example.com/",
		"ws://feed.example.com/#secret",
	} {
		u, err := transport.ParseURL(raw)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(u.Scheme, u.Host, u.Path)
	}
	// Output:
	// wss feed.example.com /v1
	// transport: url: https:// is not for WebSockets: use wss://
	// transport: url: no user and password in the URL: put an Authorization header into Dialer.Header
	// transport: url: no fragment in a WebSocket URL (RFC 6455 §3): write # as %23
}
