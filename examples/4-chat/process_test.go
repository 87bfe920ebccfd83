//go:build linux

package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is the chat as a program of its own, which can be killed.
type process struct {
	t       testing.TB
	program *exec.Cmd
	url     string
}

// startChat starts the chat on an address and waits until it listens.
func startChat(t testing.TB, addr string) *process {
	t.Helper()
	p := &process{t: t, program: exec.Command(os.Args[0], "--addr", addr, "--drain", "2s")}
	p.program.Env = append(os.Environ(), asProgram+"=1")
	p.program.Stderr = os.Stderr
	p.program.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.program.WaitDelay = 5 * time.Second
	stdout, err := p.program.StdoutPipe()
	if err == nil {
		err = p.program.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the chat does not start: %v", err)
	}
	p.url = strings.TrimSpace(line)
	return p
}

// kill ends it as a crash does. It may be called more than once.
func (p *process) kill() {
	_ = p.program.Process.Kill()
	_ = p.program.Wait()
}

// term asks it to end, and expects it to end well.
func (p *process) term() {
	p.t.Helper()
	if err := p.program.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.program.Wait(); err != nil {
		p.t.Errorf("the chat ended with %v", err)
	}
}

// addr is where it listens.
func (p *process) addr() string { return strings.TrimPrefix(p.url, "http://") }
