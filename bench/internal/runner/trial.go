package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/hawser-go/hawser/bench/internal/process"
	"github.com/hawser-go/hawser/bench/internal/result"
)

// trial is one client while it is measured.
type trial struct {
	server    *process.Process
	argv, env []string
	ends      apart
	timeout   time.Duration // for one process
	result    result.Result
	messages  uint64
	mallocs   uint64
}

// run measures one process, unless an earlier one has failed.
func (t *trial) run(ctx context.Context, round int) {
	if t.result.Err != "" {
		return
	}
	if err := t.measure(ctx, round); err != nil {
		t.result.Err = err.Error()
	}
}

func (t *trial) measure(ctx context.Context, round int) error {
	client, err := process.StartClient(t.argv, t.env)
	if err != nil {
		return err
	}
	defer client.Stop()
	t.ends.subject(client.Pid())
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	if _, err := t.line(ctx, client, "start"); err != nil {
		return err
	}
	before := readClocks(client, t.server)
	rest, err := t.line(ctx, client, "end ")
	if err != nil {
		return err
	}
	u := readClocks(client, t.server).since(before)
	f, err := parseFigures(rest)
	if err != nil {
		return err
	}
	t.messages += f.messages
	t.mallocs += f.mallocs
	messages := float64(f.messages)
	t.result.Slices = append(t.result.Slices, result.Slice{
		Round: round, Rate: messages / f.seconds, P50: f.p50, P99: f.p99,
		CPU: u.subject.Seconds() / messages * 1e6, Foreign: u.foreign(),
	})
	return nil
}

// line waits for a line that begins with prefix, and returns what follows there.
func (t *trial) line(ctx context.Context, client *process.Client, prefix string) (rest string, err error) {
	for {
		line, err := client.Line(ctx)
		if errors.Is(err, io.EOF) {
			err = errors.New("the client ended")
		}
		if err != nil {
			return "", fmt.Errorf("waiting for the line %q: %w", prefix, err)
		}
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return rest, nil
		}
	}
}

// outcome is the result with what all processes have in common.
func (t *trial) outcome() result.Result {
	if t.messages > 0 {
		perMessage := float64(t.mallocs) / float64(t.messages)
		t.result.Allocs = &perMessage
	}
	return t.result
}

// figures is what a client prints about the time that it has measured.
type figures struct {
	messages uint64
	seconds  float64
	p50, p99 float64 // microseconds
	mallocs  uint64
}

// parseFigures reads "MESSAGES SECONDS P50us P99us MALLOCS BYTES".
func parseFigures(s string) (f figures, err error) {
	fields := strings.Fields(s)
	if len(fields) != 6 {
		return f, fmt.Errorf("the client printed %q, want MESSAGES SECONDS P50us P99us MALLOCS BYTES", s)
	}
	count := func(i int) uint64 {
		n, e := strconv.ParseUint(fields[i], 10, 64)
		err = errors.Join(err, e)
		return n
	}
	number := func(i int) float64 {
		v, e := strconv.ParseFloat(fields[i], 64)
		err = errors.Join(err, e)
		return v
	}
	f = figures{messages: count(0), seconds: number(1), p50: number(2), p99: number(3), mallocs: count(4)}
	switch {
	case err != nil:
		return f, fmt.Errorf("the client printed %q: %w", s, err)
	case f.messages == 0 || f.seconds <= 0:
		return f, fmt.Errorf("the client printed %q: nothing was measured", s)
	}
	return f, nil
}
