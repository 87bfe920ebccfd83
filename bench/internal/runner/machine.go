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

// clocks are the processor times at one moment.
type clocks struct {
	at                         time.Time
	server, generator, machine time.Duration
}

// readClocks reads them; server may be nil.
func readClocks(server *process.Process) clocks {
	c := clocks{generator: process.OwnCPU(), machine: process.MachineCPU()}
	if server != nil {
		c.server = server.CPU()
	}
	c.at = time.Now()
	return c
}

// used is what was used between two moments.
type used struct {
	elapsed, server, generator, machine time.Duration
}

func (c clocks) since(before clocks) used {
	return used{
		elapsed: c.at.Sub(before.at), server: c.server - before.server,
		generator: c.generator - before.generator, machine: c.machine - before.machine,
	}
}

// foreign is the cores that neither the server nor the generator has used.
func (u used) foreign() float64 {
	return max(0, (u.machine-u.server-u.generator).Seconds()/u.elapsed.Seconds())
}
