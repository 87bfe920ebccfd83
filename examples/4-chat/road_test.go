//go:build linux

package main

import (
	"io"
	"net"
	"sync"
	"testing"
)

// road is a way to the chat that can be blocked, for one page and not for others.
type road struct {
	t  testing.TB
	ln net.Listener
	to string

	mu      sync.Mutex
	blocked bool
	cars    map[net.Conn]struct{}
	all     sync.WaitGroup
}

func newRoad(t testing.TB, to string) *road {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &road{t: t, ln: ln, to: to, cars: map[net.Conn]struct{}{}}
	r.all.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			r.all.Go(func() { r.drive(nc) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		r.block()
		r.all.Wait()
	})
	return r
}

func (r *road) url() string { return "http://" + r.ln.Addr().String() }

// drive carries bytes both ways until one side ends, or the road is blocked.
func (r *road) drive(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer to.Close()
	r.mu.Lock()
	blocked := r.blocked
	r.cars[from], r.cars[to] = struct{}{}, struct{}{}
	r.mu.Unlock()
	if !blocked {
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(to, from); _ = to.Close() })
		both.Go(func() { _, _ = io.Copy(from, to); _ = from.Close() })
		both.Wait()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.cars, from)
	delete(r.cars, to)
}

// block resets what is on the road, and lets nobody through until open.
func (r *road) block() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blocked = true
	for nc := range r.cars {
		if tcp, ok := nc.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = nc.Close()
	}
}

func (r *road) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blocked = false
}
