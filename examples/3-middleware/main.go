// What middleware does: a server that echoes, behind built-in middleware and one of
// our own (desk.go), and a client that sends it one message for each verdict.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/dedup"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/modules/metrics"
	"github.com/hawser-go/hawser/modules/ratelimit"
	"github.com/hawser-go/hawser/modules/recorder"
	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler) // its log would stand between our lines
	}))
	counters, err1 := metrics.New(metrics.Options{})
	tape, err2 := recorder.New(recorder.Options{Payload: 32})
	limit, err3 := ratelimit.New(ratelimit.Options{Inbound: ratelimit.Limit{Messages: 50}, Key: ratelimit.ByAddress})
	once, err4 := dedup.ForServer(orderNumber, ratelimit.ByAddress, dedup.Options{})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	server, err := actors.NewServer(system, actors.ServerOptions{
		// In this order for what comes in, in reverse for what goes out.
		Middleware: []actors.Middleware{counters.Middleware(), limit, tape.Middleware(), once, newDesk()},
		Modules:    []actors.Module{echo.New("", 1)},
	})
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go server.Serve(ln)

	if err := talk(ctx, system, "ws://"+ln.Addr().String(), out); err != nil {
		return err
	}
	if err := server.Close(ctx); err != nil {
		return err
	}
	n := counters.Snapshot()
	fmt.Fprintf(out, "\nthe server's metrics: %d messages in, %d out, %d connection\n", n.Inbound.All().Messages, n.Outbound.All().Messages, n.Connects)
	fmt.Fprintln(out, "the server's recorder:")
	for _, r := range tape.Records() {
		fmt.Fprintf(out, "  %-8s %s\n", r.Direction, r.Payload)
	}
	return nil
}

// orderNumber is what tells orders apart; other messages may come twice.
func orderNumber(m transport.Message) string {
	number, isOrder := strings.CutPrefix(string(m.Payload), "order ")
	if !isOrder {
		return ""
	}
	return number
}

// notes are what became of the messages.
type notes struct {
	mu       sync.Mutex
	came     []string
	rejected []actors.Outcome
}

// talk sends one message for each verdict, until the server closes.
func talk(ctx context.Context, system *actor.ActorSystem, url string, out io.Writer) error {
	var seen notes
	client, err := actors.Dial(ctx, system, url, actors.ClientOptions{
		Middleware: []actors.Middleware{newDesk()},
		Restart:    supervisor.Temporary, // it does not come back after the close
		OnOutcome: func(done []actors.Outcome) {
			seen.mu.Lock()
			defer seen.mu.Unlock()
			for _, o := range done {
				if o.Result == actors.Dropped {
					seen.rejected = append(seen.rejected, o)
				}
			}
		},
		Modules: []actors.Module{{Name: "notes", New: func() actors.Handler {
			return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) {
				seen.mu.Lock()
				defer seen.mu.Unlock()
				seen.came = append(seen.came, string(m.Payload))
			})
		}}},
	})
	if err != nil {
		return err
	}
	texts := map[uint64]string{}
	for _, text := range []string{"hello", "shout ahoy", "spam spam", "time please", "order 7", "order 7", "secret 1234", "bye"} {
		id, err := client.SendText(text)
		if err != nil {
			return err
		}
		texts[id] = text
		fmt.Fprintf(out, "we send     %s\n", text)
	}
	end := client.WaitStopped(ctx) // "bye" makes the server close
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for _, text := range seen.came {
		fmt.Fprintf(out, "comes back  %s\n", text)
	}
	for _, o := range seen.rejected {
		fmt.Fprintf(out, "not sent    %s: %v\n", texts[o.ID], o.Err)
	}
	fmt.Fprintf(out, "the end     %v\n", end)
	return client.Close(ctx)
}
