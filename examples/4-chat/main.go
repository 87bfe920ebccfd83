// A chat with rooms, in the browser: one page, and a server that knows who is there.
// The page comes back by itself when the server restarts, and loses no line.
//
//	go run ./examples/4-chat
//
// To read: page.html (what runs in the browser), messages.go (what the two say to
// each other), chat.go (the module that serves it), room.go and history.go (what a
// room is), names.go (what may be said), serve.go (the server, its limits, and how it
// ends), page.go (how the page is served).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const usage = `usage: go run ./examples/4-chat [flags]

A chat in the browser. The first line printed is where. Ctrl-C and SIGTERM tell all
pages that the server restarts, and end it; a second one ends it at once.

  --addr HOST:PORT   where to listen; port 0: any that is free (127.0.0.1:8090)
  --drain D          how long the pages have to leave (5s)
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
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options is what the user asked for.
type options struct {
	addr  string
	drain time.Duration
}

// run does what the arguments ask for and returns the exit status. The end of ctx
// stands for a signal.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("4-chat", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { _, _ = io.WriteString(stderr, usage) }
	f.StringVar(&o.addr, "addr", "127.0.0.1:8090", "")
	f.DurationVar(&o.drain, "drain", 5*time.Second, "")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	if _, _, err := net.SplitHostPort(o.addr); err != nil || f.NArg() > 0 || o.drain <= 0 {
		_, _ = fmt.Fprintln(stderr, "4-chat: --addr must be HOST:PORT, --drain longer than 0, and nothing may follow the flags")
		return exitUsage
	}
	if err := serve(ctx, o, stdout, stderr); err != nil {
		_, _ = fmt.Fprintln(stderr, "4-chat:", err)
		return exitFailed
	}
	return exitOK
}
