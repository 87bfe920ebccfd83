// Package process runs the programs under test, servers and clients, as child processes
// and reads their clocks and their memory. Linux only.
package process

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// startTimeout is how long a server may take to print its address.
const startTimeout = 5 * time.Second

// Process is one running server.
type Process struct {
	*child
	addr   netip.AddrPort
	path   string
	secure bool
	stats  atomic.Pointer[url.URL] // of the statistics page, once it was printed
}

// Start runs argv with env added to the environment and waits for its address line. The
// child is killed when the thread that started it ends, so the caller must be locked to
// a thread that lives as long as the child may (the main one).
func Start(argv, env []string) (*Process, error) {
	p := &Process{}
	first := make(chan string, 1)
	printed := false
	var err error
	p.child, err = start(argv, env, func(line string) {
		if !printed {
			printed = true
			first <- line
			return
		}
		p.later(line)
	}, func() { close(first) })
	if err != nil {
		return nil, err
	}
	select {
	case line, ok := <-first:
		if !ok {
			err = errors.New("the server ended before it printed its address")
		} else {
			err = p.parseAddress(line)
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

// later looks for the statistics page in a line behind the first.
func (p *Process) later(line string) {
	if address, ok := strings.CutPrefix(line, "stats "); ok {
		p.stats.CompareAndSwap(nil, loopbackURL(address))
	}
}

// parseAddress takes ws://host:port[/base] apart, or the same with wss.
func (p *Process) parseAddress(line string) error {
	u, err := url.Parse(strings.TrimSpace(line))
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" {
		return fmt.Errorf("the first line of the server is %q, want ws://host:port", line)
	}
	addr, err := netip.ParseAddrPort(strings.Replace(u.Host, "localhost", "127.0.0.1", 1))
	if err != nil || !addr.Addr().Is4() || !addr.Addr().IsLoopback() {
		return fmt.Errorf("the server listens on %q, want an address in 127.0.0.0/8 with a port", u.Host)
	}
	p.addr, p.path, p.secure = addr, strings.TrimRight(u.Path, "/"), u.Scheme == "wss"
	return nil
}

// loopbackURL takes the address of a page of this machine apart; nil if it is none.
func loopbackURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" {
		return nil
	}
	if addr, err := netip.ParseAddrPort(u.Host); err != nil || !addr.Addr().IsLoopback() {
		return nil
	}
	return u
}

// Addr is where the server listens.
func (p *Process) Addr() netip.AddrPort { return p.addr }

// Secure reports whether it speaks TLS there.
func (p *Process) Secure() bool { return p.secure }

// Path is the address of a route: what the server printed behind its port, then route.
func (p *Process) Path(route string) string { return p.path + route }

// URL is the whole address of a route.
func (p *Process) URL(route string) string {
	scheme := "ws"
	if p.secure {
		scheme = "wss"
	}
	return scheme + "://" + p.addr.String() + p.path + route
}
