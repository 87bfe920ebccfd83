package process

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// child is a running program whose lines are read.
type child struct {
	cmd  *exec.Cmd
	read chan struct{} // closed when stdout has ended
}

// start runs argv with env added to the environment. Another goroutine calls line for
// every line of its output, and ended behind the last one.
func start(argv, env []string, line func(string), ended func()) (*child, error) {
	c := &child{cmd: exec.Command(argv[0], argv[1:]...), read: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.read)
		defer ended()
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			line(lines.Text())
		}
		_, _ = io.Copy(io.Discard, stdout) // a line too long for the scanner must not block the child
	}()
	return c, nil
}

// Pid is the process id.
func (c *child) Pid() int { return c.cmd.Process.Pid }

// CPU is the processor time that the process has used, from its process clock; it is
// exact to the nanosecond, where /proc counts ticks of 10 ms. Zero after Stop.
func (c *child) CPU() time.Duration {
	const schedClock = 2 // CPUCLOCK_SCHED of clock_getcpuclockid(3)
	return clock(int32(^c.Pid()<<3 | schedClock))
}

// Stop kills the process and waits until it is gone. Calling it again does nothing.
func (c *child) Stop() {
	_ = c.cmd.Process.Kill()
	<-c.read
	_ = c.cmd.Wait()
}
