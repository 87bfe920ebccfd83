package runner

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// Options say how long to measure.
type Options struct {
	Rounds int           // slices of each candidate in a repetition. Default 8.
	Slice  time.Duration // measured length of a slice. Default 150 ms; see Scenario.Stretch.
	Warm   time.Duration // load before each slice. Default 50 ms; before the first one eight times as much.
	Settle time.Duration // for a server to calm down after many handshakes. Default 1 s.

	// Quiet is how long to wait at most, before a scenario, for other processes to
	// leave the machine alone. Default 3 s; negative: not at all.
	Quiet time.Duration

	// Server is the one that clients are measured with. Without it they are not.
	Server Candidate

	// Profiles is a folder for profiles of the servers: of the processor, or of the heap
	// where memory is measured. Default: none are taken.
	Profiles string

	// Log gets the progress of long runs. Default: none.
	Log *slog.Logger
}

// Runner measures scenarios.
type Runner struct {
	o Options
}

// New makes a runner.
func New(o Options) *Runner {
	setDefault(&o.Rounds, 8)
	setDefault(&o.Slice, 150*time.Millisecond)
	setDefault(&o.Warm, 50*time.Millisecond)
	setDefault(&o.Settle, time.Second)
	setDefault(&o.Quiet, 3*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Runner{o: o}
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Measure runs one repetition of a scenario with those candidates whose tags fit. What
// goes wrong with one candidate stands in its result; the error is of the run as a whole.
func (r *Runner) Measure(ctx context.Context, s Scenario, candidates []Candidate, rep int) ([]result.Result, error) {
	fitting := Fit(s, candidates)
	if len(fitting) == 0 {
		return nil, fmt.Errorf("scenario %s: no candidate takes part", s.Name)
	}
	atOnce := len(fitting)
	switch {
	case s.Shape == Client:
		atOnce = 0
	case s.Shape == Idle, !enough(s, atOnce):
		atOnce = 1
	}
	if !enough(s, atOnce) {
		return nil, fmt.Errorf("scenario %s takes %d descriptors, the limit is %d", s.Name, descriptors(s, atOnce), limit())
	}
	if err := r.quiet(ctx); err != nil {
		return nil, err
	}
	switch {
	case s.Shape == Client:
		return r.clients(ctx, s, fitting, rep)
	case s.Shape == Idle:
		return r.idle(ctx, s, fitting, rep)
	case atOnce < len(fitting):
		return r.inTurn(ctx, s, fitting, rep)
	}
	return r.slices(ctx, s, fitting, rep)
}

// progress tells the log what begins now.
func (r *Runner) progress(s Scenario, rep, round, rounds int, candidates []Candidate) {
	who := fmt.Sprint(len(candidates))
	if len(candidates) == 1 {
		who = candidates[0].Name
	}
	r.o.Log.Info("measuring", "scenario", s.Name, "repetition", rep+1, "round", round+1, "of", rounds, "candidates", who)
}

// Fit returns the candidates that take part in a scenario.
func Fit(s Scenario, candidates []Candidate) []Candidate {
	var fitting []Candidate
	for _, c := range candidates {
		for i := range len(c.Tags) {
			if c.Tags[i] == s.Tag {
				fitting = append(fitting, c)
				break
			}
		}
	}
	return fitting
}

// descriptors is how many this process needs for that many candidates at once.
func descriptors(s Scenario, candidates int) int {
	const spare = 100 // standard streams, epoll sets, pipes of the servers
	return (s.Conns+1)*candidates + spare
}

func enough(s Scenario, candidates int) bool { return uint64(descriptors(s, candidates)) <= limit() }

// limit is how many descriptors this process may have.
func limit() uint64 {
	var l unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &l) // cannot fail: the resource exists
	return l.Cur
}

// rotate gives every candidate every place in the order of a repetition.
func rotate[T any](list []T, by int) []T {
	by %= len(list)
	return append(append([]T(nil), list[by:]...), list[:by]...)
}
