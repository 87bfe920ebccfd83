package actors

import (
	"crypto/tls"
	"errors"
	"net"
	"time"
)

const (
	// A failing Accept, for instance for want of descriptors, is tried again after
	// acceptMin, then twice as long each time up to acceptMax.
	acceptMin = 5 * time.Millisecond
	acceptMax = time.Second
)

// ErrServerClosed is returned by Serve after Close.
var ErrServerClosed = errors.New("actors: server closed")

// Serve accepts connections from ln until Close, and then returns
// ErrServerClosed. It closes ln. It is the lean path: no net/http is involved.
func (s *Server) Serve(ln net.Listener) error {
	v := s.s
	if !v.listen(ln) {
		_ = ln.Close()
		return ErrServerClosed
	}
	defer v.unlisten(ln)
	slots := make(chan struct{}, v.options.Handshakes)
	pause := time.Duration(0)
	logged := time.Time{}
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			slots <- struct{}{}
			v.tasks.start("handshake", func() {
				defer func() { <-slots }()
				v.shake(nc)
			})
		case v.draining.Load():
			return ErrServerClosed
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			pause = min(max(2*pause, acceptMin), acceptMax)
			if time.Since(logged) >= time.Second {
				logged = time.Now()
				v.logger.Warn("actors: accept failed, trying again", "server", v.name, "error", err, "pause", pause)
			}
			v.rest(pause)
		}
	}
}

// rest waits for d, or until the server stops.
func (v *service) rest(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-v.stopped:
	}
}

// shake does the opening handshake of one socket.
func (v *service) shake(nc net.Conn) {
	defer func() {
		if r := recover(); r != nil { // in the user's Authorize, CheckOrigin, Metadata
			v.logger.Error("actors: handshake panicked", "server", v.name, "panic", r)
			_ = nc.Close()
		}
	}()
	if !v.shakes(nc) {
		_ = nc.Close()
		return
	}
	began := false
	defer func() {
		if began {
			v.joined()
		} else {
			v.shaken(nc)
		}
	}()
	raw := nc
	if v.options.TLSConfig != nil {
		nc = tls.Server(nc, v.options.TLSConfig)
	}
	upgrader := v.upgraderFor(func() bool {
		began = v.joins(raw)
		return began
	})
	wire, req, err := upgrader.Upgrade(nc)
	if err != nil {
		v.logger.Debug("actors: handshake refused", "server", v.name, "error", err)
		return
	}
	v.join(wire, req)
}

// shakes notes a socket whose handshake begins, so that Close can cut it short.
func (v *service) shakes(nc net.Conn) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.draining.Load() {
		return false
	}
	v.shaking[nc] = struct{}{}
	return true
}

// joins notes that a handshake is accepted: what follows is not cut short any more,
// so that the peer gets a close frame and no reset. It reports false when nobody is
// let in.
func (v *service) joins(nc net.Conn) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.draining.Load() {
		return false
	}
	delete(v.shaking, nc)
	v.joining++
	return true
}

// joined notes that an accepted handshake has come to a shard, or failed after all.
func (v *service) joined() {
	v.mu.Lock()
	v.joining--
	f := v.joinedAll
	if v.joining > 0 {
		f = nil
	} else {
		v.joinedAll = nil
	}
	v.mu.Unlock()
	if f != nil {
		f()
	}
}

// whenJoined calls f when no accepted handshake is under way.
func (v *service) whenJoined(f func()) {
	v.mu.Lock()
	some := v.joining > 0
	if some {
		v.joinedAll = f
	}
	v.mu.Unlock()
	if !some {
		f()
	}
}

func (v *service) shaken(nc net.Conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.shaking, nc)
}

func (v *service) listen(ln net.Listener) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.draining.Load() {
		return false
	}
	v.listeners[ln] = struct{}{}
	return true
}

func (v *service) unlisten(ln net.Listener) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.listeners, ln)
	_ = ln.Close()
}

// closeListeners lets nobody new in, and ends the handshakes whose request is still
// awaited.
func (v *service) closeListeners() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.draining.Store(true)
	for ln := range v.listeners {
		_ = ln.Close()
	}
	for nc := range v.shaking {
		_ = nc.Close()
	}
}
