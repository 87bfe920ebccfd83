//go:build linux

package siege

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
)

// TestShutdownUnderLoad drains a server of 1,000 clients that send more than 50,000
// messages a second and do not stop for it. One in a hundred does not answer the close
// frame.
func TestShutdownUnderLoad(t *testing.T) {
	const drain = 3 * time.Second
	n, rate, length := sockets(t, 1000), 60_000, 3*time.Second
	if raceEnabled || testing.Short() {
		n, rate, length = 300, 5_000, time.Second
	}
	f := start(t, actors.ServerOptions{})
	base, books := f.figures(), f.Books()
	c := gather(t, f.lean, "/", n, rate)
	mute := 0
	for i := 0; i < n; i += 100 {
		c.all[i].mute = true
		mute++
	}
	used := cpu()
	c.talk()
	pause(length)
	t.Logf("%d clients: %.0f messages a second to the server, CPU %.0f %% of a core", n,
		float64(c.sent())/time.Since(c.begun).Seconds(), 100*float64(cpu()-used)/float64(time.Since(c.begun)))
	if least := int64(rate) * int64(length) / int64(time.Second) / 4; c.sent() < least {
		t.Errorf("only %d messages were sent, that tells nothing; want %d", c.sent(), least)
	}
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	began := time.Now()
	err := f.Drain(ctx, actors.DrainOptions{Reason: "restarting"})
	took := time.Since(began)
	t.Logf("drained in %v of %v: %v", took.Round(time.Millisecond), drain, err)
	if err != nil || took > drain+time.Second {
		t.Errorf("drain returned %v after %v, want nil within %v", err, took, drain+time.Second)
	}
	ends := c.ended(t, time.Second)
	b := f.Books()
	t.Logf("the clients saw: %v; %d messages sent, %d echoed; books: %v", ends, c.sent(), c.got(), b)
	if good, reset := ends[`1012 "restarting", EOF`], ends[`1012 "restarting", reset`]; good != n-mute || reset != mute {
		t.Errorf("%d clients saw 1012 and the end, want %d; %d saw 1012 and a reset, want %d", good, n-mute, reset, mute)
	}
	if !b.Balanced() || b.InFlight != 0 {
		t.Errorf("the books do not balance: %v", b)
	}
	if written := b.Written - books.Written; written != uint64(c.got()) {
		t.Errorf("%d messages were written, %d arrived", written, c.got())
	}
	f.quiet(base)
}

// hawser is a run of the real program.
type hawser struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string
	log  *strings.Builder
	done chan error
}

// serveHawser builds the program once for each call, and serves.
func serveHawser(t *testing.T, args ...string) *hawser {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "hawser")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "../../examples/hawser")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	args = append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)
	if usage, _ := exec.CommandContext(t.Context(), bin, "help", "serve").Output(); strings.Contains(string(usage), "--drain") {
		args = append(args, "--drain", programDrain.String())
	}
	h := &hawser{t: t, cmd: exec.Command(bin, args...), log: &strings.Builder{}, done: make(chan error, 1)} //nolint:noctx // it is to end by its signals alone
	h.cmd.Stderr = h.log
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() { h.done <- h.cmd.Wait() }()
	if err != nil {
		t.Fatalf("it does not tell its address: %v\n%s", err, h.log)
	}
	h.addr = strings.TrimPrefix(strings.TrimSpace(line), "ws://")
	return h
}

// programDrain is how long the program may take to let its clients go.
const programDrain = 3 * time.Second

func (h *hawser) terminate() {
	h.t.Helper()
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		h.t.Fatal(err)
	}
}

// wait returns how the program ended and how long that took.
func (h *hawser) wait(limit time.Duration) (took time.Duration, err error) {
	h.t.Helper()
	began := time.Now()
	select {
	case err = <-h.done:
		return time.Since(began), err
	case <-time.After(limit + patience):
		h.t.Fatalf("it does not end; it said:\n%s", h.log)
		return 0, nil
	}
}

// TestSIGTERMUnderLoadLetsEveryClientGo: the real program, and clients that go on
// sending.
func TestSIGTERMUnderLoadLetsEveryClientGo(t *testing.T) {
	n := 200
	h := serveHawser(t)
	c := gather(t, h.addr, "/echo", n, 10_000)
	c.talk()
	pause(time.Second)
	h.terminate()
	took, err := h.wait(programDrain)
	ends := c.ended(t, time.Second)
	t.Logf("it ended after %v: %v; the clients saw %v; %d messages sent, %d echoed", took.Round(time.Millisecond), err, ends, c.sent(), c.got())
	if err != nil || took > programDrain+time.Second {
		t.Errorf("it ended after %v with %v, want within %v, and status 0; it said:\n%s", took, err, programDrain+time.Second, h.log)
	}
	for end, k := range ends {
		if k == n && (strings.HasPrefix(end, "1012 ") || strings.HasPrefix(end, "1001 ")) && strings.HasSuffix(end, "EOF") {
			return
		}
	}
	t.Errorf("all %d clients should have seen 1012 or 1001 and the end, and saw %v", n, ends)
}

// TestASecondSIGTERMForces: a client does not answer the close frame, and nobody
// wants to wait for it.
func TestASecondSIGTERMForces(t *testing.T) {
	h := serveHawser(t)
	c := gather(t, h.addr, "/echo", 20, 200)
	deaf := c.all[0]
	deaf.mute = true
	c.talk()
	pause(200 * time.Millisecond)
	h.terminate()
	for end := time.Now().Add(patience); !deaf.told.Load(); pause(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the close frame does not come")
		}
	}
	h.terminate()
	took, err := h.wait(time.Second)
	t.Logf("the second signal ended it after %v: %v", took.Round(time.Millisecond), err)
	if took > time.Second {
		t.Errorf("the second signal ended it after %v, want 1 s", took)
	}
}
