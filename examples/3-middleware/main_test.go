package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachVerdictIsSeen(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out strings.Builder
	if err := run(ctx, &out); err != nil {
		t.Fatal(err)
	}
	lines := slices.Sorted(strings.Lines(out.String())) // what overtakes what depends on the reads
	want := slices.Sorted(strings.Lines(`we send     hello
we send     shout ahoy
we send     spam spam
we send     time please
we send     order 7
we send     order 7
we send     secret 1234
we send     bye
comes back  hello
comes back  SHOUT AHOY
comes back  it is noon
comes back  order 7
not sent    secret 1234: actors: rejected by a middleware: secrets stay here
the end     transport: closed by peer with 4000 (private use): "see you"

the server's metrics: 7 messages in, 4 out, 1 connection
the server's recorder:
  inbound  hello
  inbound  shout ahoy
  inbound  spam spam
  inbound  time please
  inbound  order 7
  inbound  order 7
  inbound  bye
  outbound it is noon
  outbound hello
  outbound SHOUT AHOY
  outbound order 7
`))
	if !slices.Equal(lines, want) {
		t.Errorf("it printed\n%s", out.String())
	}
}
