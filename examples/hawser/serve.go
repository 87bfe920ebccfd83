package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/echo"
)

const serveUsage = `usage: hawser serve [flags]

Serves WebSockets; /echo sends back every message as it came. The first line
printed is the address. Ctrl-C closes all connections with 1001 and ends.

  --addr HOST:PORT     where to listen; port 0: any that is free (127.0.0.1:8080)
  --max-message BYTES  the longest message taken (64 KiB); 0: the default
  --max-fragments N    the most frames of one message (1024); 0: the default
`

// serveOutbox is how much may wait for one client that sends faster than it
// reads, unless a single message may be larger.
const serveOutbox = 16 << 20

func runServe(ctx context.Context, args []string, std stdio) error {
	addr, o, err := parseServe(args)
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	system, logger := newSystem(std.err)
	defer system.Shutdown()
	o.Logger = logger
	server, err := actors.NewServer(system, o)
	if err != nil {
		_ = ln.Close()
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	if _, err = fmt.Fprintf(std.out, "ws://%s\n", reachable(ln.Addr())); err == nil {
		select {
		case err = <-served: // nobody asked for it
			served <- err
		case <-ctx.Done():
		}
	}
	// The signal is what ended ctx; the closing has a time of its own.
	closed := server.Close(context.WithoutCancel(ctx))
	if end := <-served; !errors.Is(end, actors.ErrServerClosed) && err == nil {
		err = end
	}
	return errors.Join(err, closed)
}

func parseServe(args []string) (addr string, o actors.ServerOptions, err error) {
	addr = "127.0.0.1:8080"
	f := newFlagSet()
	f.text(&addr, "addr")
	f.number(&o.Limits.MaxMessage, "max-message", 0)
	f.number(&o.Limits.MaxFragments, "max-fragments", 0)
	rest, err := f.parse(args)
	switch {
	case err != nil:
		return "", o, err
	case len(rest) > 0:
		return "", o, &usageError{"there is an argument too many"}
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return "", o, &usageError{"--addr must be HOST:PORT"}
	}
	// A message that may come must also fit into the outbox on its way back, with
	// its frame, and behind others.
	o.Outbox.Bytes = outboxFor(o.Limits.MaxMessage, serveOutbox)
	o.Limits.MaxFrame = o.Limits.MaxMessage
	o.Modules = []actors.Module{echo.New("/echo", runtime.GOMAXPROCS(0))}
	return addr, o, nil
}

// reachable is the address at which a client on this machine finds the listener.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}).String()
}
