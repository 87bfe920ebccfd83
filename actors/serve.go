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
	if !v.lobby.listen(ln) {
		_ = ln.Close()
		return ErrServerClosed
	}
	defer v.lobby.unlisten(ln)
	pause := time.Duration(0)
	logged := time.Time{}
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			if pause = 0; !v.lobby.enter(nc) {
				_ = nc.Close()
				continue
			}
			v.tasks.start("handshake", func() { v.shake(nc) })
		case v.lobby.isShut():
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
	a := &arrival{service: v, socket: nc, began: time.Now()}
	defer a.over()
	defer func() {
		if r := recover(); r != nil { // in the user's Authorize, CheckOrigin, Metadata
			v.logger.Error("actors: handshake panicked", "server", v.name, "panic", r)
			_ = nc.Close()
		}
	}()
	secured := nc
	if v.options.TLSConfig != nil {
		secured = tls.Server(nc, v.options.TLSConfig)
	}
	wire, req, err := a.upgrader().Upgrade(secured)
	if err != nil {
		v.refused(err)
		return
	}
	a.join(wire, req)
}
