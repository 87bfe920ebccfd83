// Package client is what the clients under test share: flags, the window of time that is
// measured, and the round trips. A program dials, sends its messages, and answers each
// echo with the next message for as long as its Meter says so. It prints "start" when the
// window opens and
//
//	end MESSAGES SECONDS P50us P99us MALLOCS BYTES
//
// when it closes: echoes received, round trips in microseconds, and what the process has
// allocated meanwhile. A client from elsewhere does not need this package.
package client

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// linger is how long a program stays when it has said all: whoever started it may want to
// read its process clock. Its messages have come back by then, and nothing moves.
const linger = 100 * time.Millisecond

// Dial opens one connection. begin sends the first Options.InFlight messages, or starts a
// goroutine that does; it is called when all connections are up, because the load of some
// would starve the handshakes of the others. What fails later is told to Fail. The payload
// is shared and must not be changed.
type Dial func(o Options, m *Meter, payload []byte) (begin func() error, err error)

// Main is the main function of a client. It does not return.
func Main(dial Dial) {
	o, err := parse(filepath.Base(os.Args[0]), os.Args[1:], os.Stderr)
	if err != nil {
		Fail(err)
	}
	w := newWindow(o)
	if err := w.begin(o, dial); err != nil {
		Fail(err)
	}
	<-time.After(o.Warm)
	line, err := w.measure(o.Duration)
	if err != nil {
		Fail(err)
	}
	_, _ = fmt.Fprintln(os.Stdout, line)
	<-time.After(linger)
	os.Exit(0)
}

// Fail ends the program with err on stderr.
func Fail(err error) {
	_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
	os.Exit(1)
}

// begin dials all connections, and then puts them to work.
func (w *window) begin(o Options, dial Dial) error {
	payload := o.payload()
	begins := make([]func() error, 0, len(w.meters))
	for i, m := range w.meters {
		begin, err := dial(o, m, payload)
		if err != nil {
			return fmt.Errorf("connection %d of %d: %w", i+1, len(w.meters), err)
		}
		begins = append(begins, begin)
	}
	for i, begin := range begins {
		if err := begin(); err != nil {
			return fmt.Errorf("connection %d of %d: %w", i+1, len(w.meters), err)
		}
	}
	return nil
}

// measure prints "start", waits, and returns the line that ends the run.
func (w *window) measure(d time.Duration) (string, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = fmt.Fprintln(os.Stdout, "start")
	first, start := w.open()
	<-time.After(d)
	last, took := w.shut(start)
	runtime.ReadMemStats(&after)
	messages := last - first
	if messages == 0 {
		return "", errors.New("no echo came while it was measured")
	}
	trips := w.trips()
	return fmt.Sprintf("end %d %.6f %.1f %.1f %d %d", messages, took.Seconds(),
		microseconds(trips.Quantile(0.5)), microseconds(trips.Quantile(0.99)),
		after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc), nil
}

func microseconds(ns int64) float64 { return float64(ns) / float64(time.Microsecond) }
