package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hawser-go/hawser/bench/internal/load"
	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/bench/internal/process"
	"github.com/hawser-go/hawser/bench/internal/result"
)

// slowest is what one message takes in the slow module, less 1 % for the histogram.
const slowest = 50 * time.Millisecond * 99 / 100

// lane is one candidate while it is measured.
type lane struct {
	scenario Scenario
	server   *process.Process
	load     load.Load
	result   result.Result

	mallocs  uint64 // at the start of the first counted slice
	asking   uint64 // what the server allocates to be asked
	messages uint64
	counted  bool
}

// startLane starts the server; what goes wrong stands in the result.
func startLane(s Scenario, c Candidate, rep int) *lane {
	l := &lane{scenario: s, result: result.Result{Scenario: s.Name, Candidate: c.Name, Kind: c.Kind, Rep: rep}}
	l.try(func() (err error) {
		if l.server, err = process.Start(slices.Concat(c.Argv, s.Words), c.Env); err != nil {
			return err
		}
		if l.server.Secure() != s.has(peer.TLS) {
			return fmt.Errorf("the server was started with %q and is at %s", s.Words, l.server.URL(""))
		}
		return nil
	})
	return l
}

// try runs a step unless an earlier one has failed.
func (l *lane) try(step func() error) {
	if l.result.Err != "" {
		return
	}
	if err := step(); err != nil {
		l.result.Err = err.Error()
	}
}

func (l *lane) close() {
	if l.load != nil {
		l.load.Close()
	}
	if l.server != nil {
		l.server.Stop()
	}
}

// slice measures one window.
func (l *lane) slice(round int, warm, length time.Duration, side bool) (result.Slice, error) {
	var marks []clocks
	m, err := l.load.Run(load.Window{
		Warm: warm, Length: length, Side: side,
		Mark: func() { marks = append(marks, readClocks(l.server)) },
	})
	switch {
	case err != nil:
		return result.Slice{}, err
	case m.Messages == 0:
		return result.Slice{}, errors.New("no message came back within the window")
	case side && (m.SideMessages == 0 || m.SideMin < slowest):
		return result.Slice{}, fmt.Errorf("%s is not a slow module: %d messages, the fastest in %v", peer.SlowPath, m.SideMessages, m.SideMin)
	}
	u := marks[1].since(marks[0])
	messages := float64(m.Messages)
	return result.Slice{
		Round: round, Rate: messages / u.elapsed.Seconds(),
		P50: micros(m.P50), P99: micros(m.P99), Max: micros(m.Max),
		CPU: u.subject.Seconds() / messages * 1e6, Foreign: u.foreign(),
	}, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// countAllocs remembers the state before the first slice and, called again, fills in
// the allocations per message since.
func (l *lane) countAllocs(ctx context.Context) error {
	stats, err := l.server.Stats(ctx, false)
	if errors.Is(err, process.ErrNoStats) {
		return nil
	}
	if err != nil {
		return err
	}
	if messages := l.load.Messages() - l.messages; l.counted && messages > 0 {
		perMessage := max(0, float64(stats.Mallocs)-float64(l.mallocs+l.asking)) / float64(messages)
		l.result.Allocs = &perMessage
		return nil
	}
	again, err := l.server.Stats(ctx, false) // what asking once costs, the second time
	if err != nil {
		return err
	}
	l.mallocs, l.asking = again.Mallocs, again.Mallocs-stats.Mallocs
	l.messages, l.counted = l.load.Messages(), true
	return nil
}
