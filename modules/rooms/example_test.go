package rooms_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/rooms"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// Who connects to /rooms/blue is in the room blue, and what one says the others hear.
func Example() {
	r, err := rooms.New(rooms.Options{Path: "/rooms/{name}", AutoJoin: rooms.ByPath, Relay: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	served := serve(r)
	defer served.Close()

	ann, bob := served.Visit("/rooms/blue"), served.Visit("/rooms/blue")
	_, _ = ann.SendText("ahoy")
	fmt.Println(bob.Next())
	_ = r.Room("blue").Broadcast(transport.Message{Kind: transport.Text, Payload: []byte("this is the server")})
	fmt.Println(ann.Next())
	fmt.Println(bob.Next())
	// Output:
	// ahoy
	// this is the server
	// this is the server
}

// A module of one's own decides who joins what, and members are told who is there.
func ExampleRoom_Join() {
	r, err := rooms.New(rooms.Options{
		PresenceEvery: -1,
		Presence: func(room string, d rooms.Diff) (transport.Message, bool) {
			var text string
			for _, m := range d.Joined {
				text += fmt.Sprintf("%s is in %s. ", m.ID, room)
			}
			for _, m := range d.Left {
				text += fmt.Sprintf("%s has left. ", m.ID)
			}
			return transport.Message{Kind: transport.Text, Payload: []byte(strings.TrimSpace(text))}, true
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	names := make(chan string, 2)
	names <- "ann"
	names <- "bob"
	served := serve(r, actors.Module{Name: "join", New: func() actors.Handler {
		return actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) {
			err := r.Room(string(m.Payload)).Join(context.Background(), ctx.Conn(), rooms.Member{ID: <-names})
			if err != nil {
				ctx.Conn().Close(transport.PolicyViolation, "you cannot join")
			}
		})
	}})
	defer served.Close()

	ann, bob := served.Visit("/"), served.Visit("/")
	_, _ = ann.SendText("lobby")
	fmt.Println(ann.Next())
	_, _ = bob.SendText("lobby")
	fmt.Println(bob.Next())
	fmt.Println(ann.Next())
	_ = bob.Close(context.Background())
	fmt.Println(ann.Next())
	// Output:
	// ann is in lobby.
	// ann is in lobby. bob is in lobby.
	// bob is in lobby.
	// bob has left.
}

// served is a server in memory, for the examples.
type served struct {
	system   *actor.ActorSystem
	server   *actors.Server
	listener *transporttest.Listener
	ready    chan struct{} // a connection is
	visitors []*visitor
}

// door is a module that notes when a connection is ready: every module has had its
// OnConnect then.
type door struct{ ready chan struct{} }

func (door) OnMessage(*actors.Context, transport.Message) {}
func (d door) OnReady(*actors.Context)                    { d.ready <- struct{}{} }

// visitor is a client that hands out what it gets.
type visitor struct {
	*actors.Client
	came chan string
}

// Next waits for the next message.
func (v *visitor) Next() string { return <-v.came }

func serve(r *rooms.Rooms, more ...actors.Module) *served {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	system := actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }),
		actor.WithDeadLetterThrottleInterval(time.Nanosecond), // its goroutine waits that long
	)
	s := &served{system: system, listener: transporttest.NewListener(), ready: make(chan struct{}, 1)}
	more = append(more, actors.Module{Name: "door", New: func() actors.Handler { return door{s.ready} }})
	var err error
	if s.server, err = actors.NewServer(s.system, actors.ServerOptions{Modules: append(more, r.Module())}); err != nil {
		panic(err)
	}
	go func() { _ = s.server.Serve(s.listener) }()
	return s
}

// Visit connects a client, and returns when both sides are ready.
func (s *served) Visit(path string) *visitor {
	v := &visitor{came: make(chan string, 10)}
	var err error
	v.Client, err = actors.Dial(context.Background(), s.system, "ws://example.test"+path, actors.ClientOptions{
		NetDial: s.listener.Dial,
		Modules: []actors.Module{{Name: "came", New: func() actors.Handler {
			return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) { v.came <- string(m.Payload) })
		}}},
	})
	if err == nil {
		err = v.WaitReady(context.Background())
	}
	if err != nil {
		panic(err)
	}
	<-s.ready
	s.visitors = append(s.visitors, v)
	return v
}

// Close ends all of it.
func (s *served) Close() {
	for _, v := range s.visitors {
		_ = v.Close(context.Background())
	}
	_ = s.server.Close(context.Background())
}
