// Hawser on the command line: a demonstration that needs nothing else, a server to
// try and to test clients with, and a client that a person or a script can use.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/asynkron/protoactor-go/actor"
)

const usage = `hawser: WebSocket connections that come back

usage:
  hawser demo      [flags]      a client, a server, and a link between them that is cut
  hawser serve     [flags]      a server: echoes, topics, rooms
  hawser connect   [flags] URL  a client: a line typed is a message sent
  hawser help      [command]    this text, or the flags of a command

Exit status: 0 all went well, 1 it did not, 2 it was called wrongly.
`

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program the hard way
	os.Exit(run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// stdio is where a command reads and writes.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// command is one of the things that hawser does. The end of its context stands
// for a signal.
type command struct {
	run   func(ctx context.Context, args []string, std stdio) error
	usage string
}

var commands = map[string]command{
	"demo":    {runDemo, demoUsage},
	"serve":   {runServe, serveUsage},
	"connect": {runConnect, connectUsage},
}

// run does what the arguments ask for and returns the exit status.
func run(ctx context.Context, args []string, std stdio) int {
	std.err = &lineWriter{w: std.err}
	if len(args) == 0 {
		_, _ = io.WriteString(std.err, usage)
		return exitUsage
	}
	name := args[0]
	switch name {
	case "help", "-h", "-help", "--help":
		return help(args[1:], std)
	}
	c, ok := commands[name]
	if !ok {
		_, _ = fmt.Fprintf(std.err, "hawser: there is no command %q; see 'hawser help'\n", name)
		return exitUsage
	}
	err := c.run(ctx, args[1:], std)
	var wrong *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errHelp):
		_, _ = io.WriteString(std.out, c.usage)
		return exitOK
	case errors.As(err, &wrong):
		_, _ = fmt.Fprintf(std.err, "hawser %s: %s; see 'hawser help %s'\n", name, wrong.problem, name)
		return exitUsage
	}
	_, _ = fmt.Fprintf(std.err, "hawser %s: %v\n", name, err)
	return exitFailed
}

func help(args []string, std stdio) int {
	text := usage
	if len(args) > 0 {
		c, ok := commands[args[0]]
		if !ok {
			_, _ = fmt.Fprintf(std.err, "hawser: there is no command %q; see 'hawser help'\n", args[0])
			return exitUsage
		}
		text = c.usage
	}
	_, _ = io.WriteString(std.out, text)
	return exitOK
}

// newSystem makes an actor system that stays silent unless something is wrong:
// protoactor tells of every restart, and here a restart is a reconnect.
func newSystem(stderr io.Writer) (*actor.ActorSystem, *slog.Logger) {
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return logger })), logger
}
