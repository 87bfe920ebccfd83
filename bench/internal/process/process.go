// Package process runs the servers under test as child processes and reads their clocks
// and their memory. Linux only.
package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// startTimeout is how long a server may take to print its address.
const startTimeout = 5 * time.Second

// Process is one running server.
type Process struct {
	cmd   *exec.Cmd
	addr  netip.AddrPort
	path  string
	stats atomic.Pointer[string] // URL of the statistics page, once it was printed
	read  chan struct{}          // closed when stdout has ended
}

// Start runs argv with env added to the environment and waits for its address line. The
// child is killed when the thread that started it ends, so the caller must be locked to
// a thread that lives as long as the child may (the main one).
func Start(argv, env []string) (*Process, error) {
	p := &Process{cmd: exec.Command(argv[0], argv[1:]...), read: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	first := make(chan string, 1)
	go p.readLines(stdout, first)
	select {
	case line, ok := <-first:
		if !ok {
			err = errors.New("the server ended before it printed its address")
		} else {
			p.addr, p.path, err = parseAddress(line)
		}
	case <-time.After(startTimeout):
		err = fmt.Errorf("the server printed no address in %v", startTimeout)
	}
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// readLines hands over the first line and looks for the statistics page in the others.
func (p *Process) readLines(stdout io.Reader, first chan<- string) {
	defer close(p.read)
	defer close(first)
	lines := bufio.NewScanner(stdout)
	if lines.Scan() {
		first <- lines.Text()
	}
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "stats "); ok && loopbackURL(address) {
			p.stats.Store(&address)
		}
	}
	_, _ = io.Copy(io.Discard, stdout) // a line too long for the scanner must not block the server
}

// parseAddress takes ws://host:port[/base] apart.
func parseAddress(line string) (netip.AddrPort, string, error) {
	u, err := url.Parse(strings.TrimSpace(line))
	if err != nil || u.Scheme != "ws" {
		return netip.AddrPort{}, "", fmt.Errorf("the first line of the server is %q, want ws://host:port", line)
	}
	addr, err := netip.ParseAddrPort(strings.Replace(u.Host, "localhost", "127.0.0.1", 1))
	if err != nil || !addr.Addr().Is4() || !addr.Addr().IsLoopback() {
		return netip.AddrPort{}, "", fmt.Errorf("the server listens on %q, want an address in 127.0.0.0/8 with a port", u.Host)
	}
	return addr, strings.TrimRight(u.Path, "/"), nil
}

func loopbackURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" {
		return false
	}
	addr, err := netip.ParseAddrPort(u.Host)
	return err == nil && addr.Addr().IsLoopback()
}

// Addr is where the server listens.
func (p *Process) Addr() netip.AddrPort { return p.addr }

// Path is the address of a route: what the server printed behind its port, then route.
func (p *Process) Path(route string) string { return p.path + route }

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Stop kills the server and waits until it is gone. Calling it again does nothing.
func (p *Process) Stop() {
	_ = p.cmd.Process.Kill()
	<-p.read
	_ = p.cmd.Wait()
}
