package client

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// Options is the load that a client makes.
type Options struct {
	// URL is the whole address of a route that echoes, ws://host:port/echo.
	URL string
	// Conns is the number of connections, InFlight how many messages are on their way on
	// each of them at any time, and Size how many bytes a message has.
	Conns, InFlight, Size int
	// Warm is how long the load lasts before anything is measured, Duration how long is
	// measured.
	Warm, Duration time.Duration
}

// parse reads the arguments of a program. Its usage goes to w.
func parse(name string, args []string, w io.Writer) (Options, error) {
	var o Options
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(w)
	flags.StringVar(&o.URL, "url", "", "whole `address` of a route that echoes, ws://host:port/echo")
	flags.IntVar(&o.Conns, "conns", 1, "`number` of connections")
	flags.IntVar(&o.InFlight, "inflight", 1, "`messages` in flight on each connection")
	flags.IntVar(&o.Size, "size", 64, "`bytes` of a message")
	flags.DurationVar(&o.Warm, "warm", 400*time.Millisecond, "`time` before anything is measured")
	flags.DurationVar(&o.Duration, "dur", 1500*time.Millisecond, "`time` that is measured")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag; there are: -url -conns -inflight -size -warm -dur", flags.Arg(0))
	}
	return o, o.validate()
}

func (o Options) validate() error {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "ws" || u.Host == "" {
		return fmt.Errorf("-url is %q, want ws://host:port/echo", o.URL)
	}
	switch {
	case o.Conns < 1:
		return fmt.Errorf("-conns is %d, want at least 1", o.Conns)
	case o.InFlight < 1:
		return fmt.Errorf("-inflight is %d, want at least 1", o.InFlight)
	case o.Size < 1:
		return fmt.Errorf("-size is %d, want at least 1", o.Size)
	case o.Warm < 0:
		return errors.New("-warm is negative")
	case o.Duration <= 0:
		return errors.New("-dur must be more than nothing")
	}
	return nil
}

// payload is size bytes of JSON-like ASCII text.
func (o Options) payload() []byte {
	const item = `{"symbol":"SYM042","bid":101.25,"ask":101.50,"ok":true},`
	return []byte(strings.Repeat(item, o.Size/len(item)+1)[:o.Size])
}
