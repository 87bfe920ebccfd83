package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/signal"
	"syscall"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

const serveUsage = `usage: hawser serve [flags]

Serves WebSockets. The first line printed is the address.

  /echo          sends back every message as it came
  /sub           gets what is published on /pub; what it sends itself is ignored
  /pub           what it sends is published to all of /sub
  /rooms/{name}  what one sends the others in the room get, and all get who comes
                 and goes: {"event":"presence","room":…,"state":…,"joined":[…],"left":[…]}
  /slow          sends back every message, one each 50 ms
  /panic         sends back every message, and fails at "boom"

The first SIGINT or SIGTERM drains: nobody is let in, the clients are told to come
back later (1012) and get what waits for them. The second one ends it at once, with
status 1.

  --addr HOST:PORT       where to listen; port 0: any that is free (127.0.0.1:8080)
  --modules LIST         which of echo, rooms, slow and panic there are (echo,rooms);
                         /sub and /pub, which are pubsub, are always there
  --json                 one JSON object per line on stdout: listening, connected,
                         disconnected, refused, draining, stopped
  --tls-cert FILE        speak TLS (wss://), with the certificates in this PEM file
  --tls-key FILE         and the key in this one
  --deflate              compress, with clients that offer permessage-deflate
  --origin WHO           whose pages may connect: same-host, https://host[:port],
                         *.host[:port], or * for all; may be repeated (same-host)
  --max-message BYTES    the longest message taken (64 KiB); 0: any length
  --max-fragments N      the most frames of one message (1024); 0: any number
  --max-inflated BYTES   the longest message when inflated (10 times --max-message);
                         0: any length
  --handshake-timeout D  how long a handshake may take (5s); 0: for ever
  --idle D               close who sends no message for D (0); 0: nobody
  --ping D               ping each client every D (25s); 0: never
  --pong D               cut who is silent for D after a ping (10s); 0: nobody
  --write-timeout D      cut who takes nothing for D while something waits (10s);
                         0: nobody
  --queue-bytes BYTES    how much may wait for one client (16 MiB, or 4 of the longest
                         messages); 0: any amount
  --overflow POLICY      what to do when more would: close-slow (1013), drop-oldest,
                         drop-newest; or keep-latest, by which of what is published
                         only the latest waits at any time (close-slow)
  --per-ip N             connections of one address (1000); 0: any number
  --rate N               messages a second on one connection (50000); 0: any number
  --handshake-rate N     handshakes a second of one address (1000); 0: any number
  --drain D              how long a drain takes at most (10s); the clients are told one
                         by one, over half of it or less; 0: all at once, and 5s at most
`

// serving is one run of serve.
type serving struct {
	o      serveOptions
	tell   herald
	server *actors.Server
	served chan error // what Serve returned
}

func runServe(ctx context.Context, args []string, std stdio) error {
	o, err := parseServe(args)
	if err != nil {
		return err
	}
	ln, err := transport.Listen("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	signal.Ignore(syscall.SIGPIPE) // whoever reads what we tell may leave: the clients stay
	s := &serving{o: o, tell: newHerald(o.json, std), served: make(chan error, 1)}
	return s.run(ctx, ln, std)
}

// run serves until ctx ends, drains, and returns when nothing is left.
func (s *serving) run(ctx context.Context, ln net.Listener, std stdio) error {
	system, logger := newSystem(std.err)
	defer system.Shutdown()
	o := s.o.server
	o.Logger = logger
	var err error
	if o.Modules, err = modulesFor(ctx, &s.o, s.tell); err == nil {
		s.server, err = actors.NewServer(system, o)
	}
	if err != nil {
		_ = ln.Close()
		return err
	}
	go func() { s.served <- s.server.Serve(ln) }()
	if err = s.tell.listening(s.o.url(ln.Addr())); err == nil {
		err = s.watch(ctx)
	}
	drained := s.drain(ctx)
	if end := <-s.served; !errors.Is(end, actors.ErrServerClosed) && err == nil {
		err = end
	}
	s.tell.stopped(s.server.Stats())
	return errors.Join(err, drained)
}

// watch returns when ctx ends, or when the server does so that nobody asked.
func (s *serving) watch(ctx context.Context) error {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-s.served:
			s.served <- err
			return err
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.tell.refused(s.server.Stats().Refused)
		}
	}
}
