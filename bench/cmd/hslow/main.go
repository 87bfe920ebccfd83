// Command hslow measures what a module that sleeps a second for each message costs
// the module beside it on the same connection: ten thousand messages, half a
// millisecond apart, for a fast module alone and beside a slow one, in turn.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

func main() {
	rounds := flag.Int("rounds", 3, "rounds of one slice alone and one beside")
	messages := flag.Int("messages", 10_000, "messages of a slice")
	every := flag.Duration("every", 500*time.Microsecond, "time between two messages")
	limit := flag.Float64("limit", 1.2, "fail if p99 beside is more than this times p99 alone, by the medians")
	flag.Parse()

	var alone, beside []time.Duration
	for round := range *rounds {
		a, b := slice(*messages, *every, false), slice(*messages, *every, true)
		alone, beside = append(alone, a), append(beside, b)
		fmt.Printf("round %d   p99 alone %-10v beside a slow module %-10v ratio %.2f\n", round+1, a, b, float64(b)/float64(a))
	}
	slices.Sort(alone)
	slices.Sort(beside)
	ratio := float64(beside[len(beside)/2]) / float64(alone[len(alone)/2])
	fmt.Printf("medians   p99 alone %-10v beside a slow module %-10v ratio %.2f\n", alone[len(alone)/2], beside[len(beside)/2], ratio)
	if ratio > *limit {
		fmt.Printf("missed: the ratio is above %.2f\n", *limit)
		os.Exit(1)
	}
}

// slice returns the p99 of the way from the server's Send to the fast module.
func slice(messages int, every time.Duration, slow bool) time.Duration {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	server, err := actors.NewServer(system, actors.ServerOptions{Modules: []actors.Module{ticker(messages, every)}})
	check(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go server.Serve(ln) //nolint:errcheck // it ends with the server

	m := &meter{want: messages, done: make(chan struct{})}
	modules := []actors.Module{{Name: "fast", New: func() actors.Handler { return m }}}
	if slow {
		sleepy := actors.HandlerFunc(func(*actors.Context, transport.Message) { <-time.After(time.Second) })
		modules = append(modules, actors.Module{
			Name: "slow", Overflow: actors.DropOldest, QueueBytes: 64, New: func() actors.Handler { return sleepy },
		})
	}
	client, err := actors.Dial(ctx, system, "ws://"+ln.Addr().String()+"/", actors.ClientOptions{Modules: modules})
	check(err)
	_, err = client.SendText("go")
	check(err)
	select {
	case <-m.done:
	case <-ctx.Done():
		log.Fatal("the fast module did not get all messages")
	}
	check(client.Close(ctx))
	check(server.Close(ctx))
	return m.p99()
}

// ticker sends messages with the time at which they were sent.
func ticker(messages int, every time.Duration) actors.Module {
	return actors.Module{Name: "ticker", New: func() actors.Handler {
		return actors.HandlerFunc(func(c *actors.Context, _ transport.Message) {
			conn := c.Conn()
			go func() {
				next := time.Now()
				for range messages {
					next = next.Add(every)
					<-time.After(time.Until(next))
					b := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
					if _, err := conn.Send(transport.Binary, b); err != nil {
						log.Fatal(err)
					}
				}
			}()
		})
	}}
}

// meter is the fast module.
type meter struct {
	mu   sync.Mutex
	took []time.Duration
	want int
	done chan struct{}
}

func (m *meter) OnMessage(_ *actors.Context, got transport.Message) {
	took := time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(got.Payload))))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.took = append(m.took, took); len(m.took) == m.want {
		close(m.done)
	}
}

func (m *meter) p99() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.Sort(m.took)
	return m.took[len(m.took)*99/100]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
