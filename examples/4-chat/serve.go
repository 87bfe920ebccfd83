package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
)

// socketPath is where the page finds its WebSocket.
const socketPath = "/socket"

// serve runs the chat until ctx is done, or it fails.
func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	system := actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return logger }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // so long a goroutine of its own may outlive the system
	)
	defer system.Shutdown()
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.addr)
	if err != nil {
		return err
	}
	sockets, err := newServer(system)
	if err != nil {
		_ = ln.Close()
		return err
	}
	web := &http.Server{
		Handler: handler(sockets), ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(ln) }()
	if _, err = fmt.Fprintf(stdout, "http://%s\n", reachable(ln.Addr())); err == nil {
		select {
		case err = <-served: // nobody asked for it
		case <-ctx.Done():
		}
	}
	// The signal is what ended ctx; the end has a time of its own.
	return errors.Join(err, end(context.WithoutCancel(ctx), o, web, sockets))
}

// end lets nobody new in, and has the pages leave, spread over some of the time. They
// are told that the server restarts (1012), and come to the next one at times of their
// own.
func end(ctx context.Context, o options, web *http.Server, sockets *actors.Server) error {
	ctx, cancel := context.WithTimeout(ctx, o.drain)
	defer cancel()
	shut := make(chan struct{})
	go func() {
		defer close(shut)
		_ = web.Shutdown(ctx)
	}()
	err := sockets.Drain(ctx, actors.DrainOptions{})
	_ = web.Close() // browsers keep sockets on which they ask nothing; Shutdown would wait for them
	<-shut
	return err
}

// reachable is the address at which a browser on this machine finds the listener.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}).String()
}

// handler is the page, and the socket beside it.
func handler(sockets *actors.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", servePage)
	mux.Handle("GET "+socketPath, sockets)
	return mux
}
