package actorstest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// recordTB is a testing.TB that notes what a test would have been told.
type recordTB struct {
	testing.TB // nil: what is not written here must not be called

	mu       sync.Mutex
	logs     []string
	errors   []string
	cleanups []func()
	ctx      context.Context
	cancel   context.CancelFunc
}

func (r *recordTB) Helper() {}

func (r *recordTB) Context() context.Context { return r.ctx }

func (r *recordTB) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *recordTB) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

func (r *recordTB) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recordTB) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.errors) > 0
}

func (r *recordTB) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// cleanup is what happens behind a test.
func (r *recordTB) cleanup() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

// run runs a test, and then its cleanups, and returns what it told.
func run(test func(t testing.TB)) *recordTB {
	r := &recordTB{}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.cleanup()
		defer r.cancel()
		test(r)
	}()
	<-done
	return r
}

// says fails the test unless exactly one line was told, and has the words.
func says(t *testing.T, lines []string, words ...string) {
	t.Helper()
	if len(lines) != 1 {
		t.Fatalf("got %d lines %q; want 1 with %q", len(lines), lines, words)
	}
	for _, w := range words {
		if !strings.Contains(lines[0], w) {
			t.Errorf("got %q; want it to name %q", lines[0], w)
		}
	}
}
