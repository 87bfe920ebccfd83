package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// asProgram is set in the environment of a child: the test binary is the program then.
const asProgram = "HAWSER_TEST_IS_PROGRAM"

// spawn runs hawser in a process of its own, for what concerns signals and exits.
// Its signal is SIGTERM.
func spawn(t *testing.T, args ...string) *program {
	t.Helper()
	out := newWatched()
	return spawnWith(t, out, out, args...)
}

// spawnWith runs it with another stdout than the one that the test looks at.
func spawnWith(t *testing.T, seen *watched, stdout io.Writer, args ...string) *program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, out: seen, err: newWatched(), ended: make(chan struct{})}
	cmd := exec.Command(exe, args...) //nolint:gosec // ourselves
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout, cmd.Stderr = stdout, p.err
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.signal = func() { _ = cmd.Process.Signal(syscall.SIGTERM) }
	go func() {
		defer close(p.ended)
		_ = cmd.Wait()
		p.status = cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// url is the first line that serve prints.
func (p *program) url() string {
	p.t.Helper()
	p.untilOut("\n")
	line, _, _ := strings.Cut(p.stdout(), "\n")
	if strings.HasPrefix(line, "{") {
		return p.told(line).URL
	}
	return line
}
