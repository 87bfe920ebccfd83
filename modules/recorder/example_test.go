package recorder_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/recorder"
	"github.com/hawser-go/hawser/transport"
)

// The last thousand messages, with the beginning of their contents, and nothing of
// those that log in.
func ExampleNew() {
	flight, err := recorder.New(recorder.Options{
		Messages: 1000,
		Payload:  256,
		Redact: func(_ recorder.Direction, m transport.Message) []byte {
			if bytes.Contains(m.Payload, []byte(`"login"`)) {
				return nil
			}
			return m.Payload
		},
	})
	if err != nil {
		panic(err)
	}
	_ = actors.ClientOptions{Middleware: []actors.Middleware{flight.Middleware()}}

	if err := flight.Export(os.Stdout); err != nil { // when something has gone wrong
		panic(err)
	}
	// Output:
}

// What a client got once is shown to another program, as fast as it can be.
func ExampleReplay() {
	var recorded bytes.Buffer
	recorded.WriteString(`{"at":"2026-01-02T09:00:00Z","connection":1,"epoch":1,"direction":"inbound","kind":"text","size":8,"text":"EUR 1.08"}
{"at":"2026-01-02T09:00:30Z","connection":1,"epoch":1,"direction":"inbound","kind":"text","size":8,"text":"EUR 1.09"}
`)
	var records []recorder.Record
	for r, err := range recorder.Read(&recorded) {
		if err != nil {
			panic(err)
		}
		records = append(records, r)
	}
	for r := range recorder.Replay(context.Background(), slices.Values(records), 0) {
		fmt.Printf("%s %s\n", r.At.Format("15:04:05"), r.Payload)
	}
	// Output:
	// 09:00:00 EUR 1.08
	// 09:00:30 EUR 1.09
}
