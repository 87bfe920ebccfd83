package runner

import (
	"context"
	"time"

	"github.com/hawser-go/hawser/bench/internal/process"
)

// pause waits, unless the run is called off.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// quiet waits until others use less than a fifth of a core, but not for ever.
func (r *Runner) quiet(ctx context.Context) error {
	const (
		enough = 0.2
		look   = 150 * time.Millisecond
	)
	for end := time.Now().Add(r.o.Quiet); time.Now().Before(end); {
		before := readClocks(nil)
		if err := pause(ctx, look); err != nil {
			return err
		}
		if readClocks(nil).since(before).foreign() < enough {
			return nil
		}
	}
	return ctx.Err()
}

// processor is something that tells how much processor time it has used.
type processor interface{ CPU() time.Duration }

// clocks are the processor times at one moment.
type clocks struct {
	at                        time.Time
	subject, harness, machine time.Duration
}

// readClocks reads them: of the process under test, which may be nil, and of those that
// are there for its sake, this one and others.
func readClocks(subject processor, others ...processor) clocks {
	c := clocks{harness: process.OwnCPU(), machine: process.MachineCPU()}
	for _, o := range others {
		c.harness += o.CPU()
	}
	if subject != nil {
		c.subject = subject.CPU()
	}
	c.at = time.Now()
	return c
}

// used is what was used between two moments.
type used struct {
	elapsed, subject, harness, machine time.Duration
}

func (c clocks) since(before clocks) used {
	return used{
		elapsed: c.at.Sub(before.at), subject: c.subject - before.subject,
		harness: c.harness - before.harness, machine: c.machine - before.machine,
	}
}

// foreign is the cores that neither the process under test nor the harness has used.
func (u used) foreign() float64 {
	return max(0, (u.machine-u.subject-u.harness).Seconds()/u.elapsed.Seconds())
}
