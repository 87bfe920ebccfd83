package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hawser-go/hawser/bench/internal/load"
)

// profileLength is how long a processor profile takes, in seconds.
const profileLength = 3

// profileCPU loads a server once more, after all slices, for a profile of it. The first
// repetition does so; it changes nothing in the results.
func (r *Runner) profileCPU(ctx context.Context, l *lane) {
	if l.result.Rep > 0 || l.result.Err != "" {
		return
	}
	r.profile(l, "cpu", func(w io.Writer) error {
		done := make(chan error, 1)
		go func() { done <- l.server.CPUProfile(ctx, w, profileLength) }()
		_, err := l.load.Run(load.Window{Length: (profileLength + 1) * time.Second})
		return errors.Join(err, <-done)
	})
}

// profileHeap writes what lives in a server.
func (r *Runner) profileHeap(ctx context.Context, l *lane) {
	if l.result.Rep > 0 {
		return
	}
	r.profile(l, "heap", func(w io.Writer) error { return l.server.HeapProfile(ctx, w) })
}

// profile writes one into the folder of the options, if there is one. A server without
// profiles is no failure: the log tells.
func (r *Runner) profile(l *lane, kind string, write func(io.Writer) error) {
	if r.o.Profiles == "" {
		return
	}
	name := filepath.Join(r.o.Profiles, fmt.Sprintf("%s.%s.%s.pprof", l.result.Scenario, l.result.Candidate, kind))
	file, err := os.Create(name)
	if err == nil {
		err = errors.Join(write(file), file.Close())
	}
	if err != nil {
		r.o.Log.Warn("no profile", "scenario", l.result.Scenario, "candidate", l.result.Candidate, "kind", kind, "reason", err)
		_ = os.Remove(name)
		return
	}
	r.o.Log.Info("profile", "file", name)
}
