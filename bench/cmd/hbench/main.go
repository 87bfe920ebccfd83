// hbench measures WebSocket servers side by side. See the README.md of this module.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

const usage = `usage: hbench COMMAND [FLAGS]

  run      measure scenarios and print tables; with -doc put them, and plots, into a page
  check    measure what Hawser promises; the exit code is 1 if a promise is not kept
  report   the same as run, for recorded results: hbench report [-doc PAGE] FILE...
  shares   what the time of profiles went into: hbench shares FILE..., those of run -prof
  list     name the scenarios

hbench COMMAND -h explains the flags.
`

// Exit codes.
const (
	exitMissed = 1 // a target was missed
	exitFailed = 2 // it could not be measured, or the command line is wrong
)

var errMissed = errors.New("a target was missed")

func main() {
	// Servers are killed when the thread that started them ends, so it must be the main
	// thread, which ends with the process.
	runtime.LockOSThread()
	// The generator must not stop for collections; a run allocates a few megabytes.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(2 << 30)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once, and so its children
	switch err := command(ctx, os.Args[1:]); {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errMissed):
		complain(err)
		os.Exit(exitMissed)
	default:
		complain(err)
		os.Exit(exitFailed)
	}
}

func complain(err error) { _, _ = fmt.Fprintln(os.Stderr, "hbench:", err) }

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		_, _ = fmt.Fprint(os.Stderr, usage)
		return errors.New("no command")
	}
	switch args[0] {
	case "run":
		return run(ctx, args[1:])
	case "check":
		return check(ctx, args[1:])
	case "report":
		return recorded(args[1:])
	case "shares":
		return sharesOf(args[1:])
	case "list":
		return list()
	case "help", "-h", "--help":
		_, err := fmt.Fprint(os.Stdout, usage)
		return err
	}
	_, _ = fmt.Fprint(os.Stderr, usage)
	return fmt.Errorf("there is no command %q", args[0])
}
