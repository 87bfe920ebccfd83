//go:build linux

package siege

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
)

const (
	// childEnv is set in the process that runs out of descriptors.
	childEnv = "HAWSER_SIEGE_CHILD"
	// spare is how many descriptors the child has beyond those of an idle server.
	spare = 100
	// famine is how long it has none left. Long enough for several lines of log.
	famine = 3500 * time.Millisecond
	// resumption is by when it must accept again after some are free.
	resumption = 1100 * time.Millisecond
)

// TestOutOfDescriptors is about a server that has as many sockets as its process may
// have. The server is a process of its own, so that its clients do not starve too.
func TestOutOfDescriptors(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		starve(t)
		return
	}
	c, began := spawn(t), now()
	var settled, crowd []*peer
	for range 20 {
		settled = append(settled, c.meet(t))
	}
	stops := make([]func() *latencies, len(settled))
	for i, p := range settled {
		n := 0
		stops[i] = repeat(10*beat, func() error { n++; return p.echoed(fmt.Sprint(n)) })
	}
	// Four times as many as there are descriptors: all connect, most are not accepted.
	answered := make(chan *peer, 4*spare)
	var asking sync.WaitGroup
	for range 4 * spare {
		nc, err := dial(c.addr)
		if err != nil {
			t.Fatal(err)
		}
		p := &peer{nc: nc, br: bufio.NewReaderSize(nc, 512)}
		crowd = append(crowd, p)
		asking.Go(func() {
			if _, err := io.WriteString(nc, request("/")); err == nil && readReply(p.br).status == 101 {
				answered <- p
			}
		})
	}
	pause(famine)
	in := len(answered)
	t.Logf("%d of %d newcomers are in after %v", in, len(crowd), famine)
	if in == 0 || in > spare {
		t.Errorf("%d newcomers are in, but there are %d descriptors", in, spare)
	}
	for range in {
		(<-answered).reset()
	}
	released := time.Now()
	select {
	case <-answered:
		t.Logf("%v after the release the next was accepted", time.Since(released).Round(time.Millisecond))
		if took := time.Since(released); took > slack(resumption) {
			t.Errorf("accept resumed %v after the release, must within %v", took, resumption)
		}
	case <-time.After(patience):
		t.Error("accept does not resume")
	}
	for _, p := range crowd {
		p.reset()
	}
	asking.Wait()
	all := &latencies{began: began}
	for i, p := range settled {
		l := stops[i]()
		all.all, all.failed = append(all.all, l.all...), append(all.failed, l.failed...)
		if err := p.leave(); err != nil {
			t.Errorf("a connection from before cannot leave: %v", err)
		}
	}
	all.check(t, "20 connections from before", 500, 50*time.Millisecond)
	c.finish(t)
}

// child is a server in a process of its own.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	addr string
}

// spawn starts one. It dies with us, whatever happens.
func spawn(t *testing.T) *child {
	t.Helper()
	runtime.LockOSThread() // the child dies with the thread that made it
	t.Cleanup(runtime.UnlockOSThread)
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd, in: in, out: bufio.NewScanner(out)}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	for c.addr == "" {
		if !c.out.Scan() {
			t.Fatalf("the child has ended: %v", c.out.Err())
		}
		if addr, ok := strings.CutPrefix(c.out.Text(), "listening on "); ok {
			c.addr = addr
		}
	}
	return c
}

func (c *child) meet(t *testing.T) *peer {
	t.Helper()
	p, err := meet(c.addr, "/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.reset)
	return p
}

// finish lets the child check itself and end, and prints what it says.
func (c *child) finish(t *testing.T) {
	t.Helper()
	_ = c.in.Close()
	for c.out.Scan() {
		if s := strings.TrimSpace(c.out.Text()); s != "PASS" && !strings.HasPrefix(s, "=== ") {
			t.Log("child: ", s)
		}
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("child: %v", err)
	}
}

// starve is the child: a server that may have a few more descriptors than it has.
func starve(t *testing.T) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	f := start(t, actors.ServerOptions{})
	base := f.figures()
	few := syscall.Rlimit{Cur: uint64(base.fds + spare), Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(os.Stdout, "listening on %s\n", f.lean); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	checkAcceptLog(t, f.log.lines("accept"))
	f.quiet(base)
}

// checkAcceptLog checks that there were lines, at most one a second.
func checkAcceptLog(t *testing.T, lines []string) {
	t.Helper()
	last := time.Time{}
	for _, line := range lines {
		stamp, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
		at, err := time.Parse(time.RFC3339, stamp)
		if err != nil {
			t.Fatal(err)
		}
		if gap := at.Sub(last); gap < 990*time.Millisecond {
			t.Errorf("two lines within %v: %s", gap, line)
		}
		last = at
	}
	t.Logf("%d lines about it in the log", len(lines))
	if len(lines) < 2 {
		t.Errorf("%d lines in the log, want two at least", len(lines))
	}
}
