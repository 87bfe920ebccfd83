package actors

import (
	"errors"
	"net"
	"time"

	"github.com/hawser-go/hawser/transport"
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
// ErrServerClosed. It closes ln. It is the lean path: no net/http is involved, and with
// a listener of transport.Listen no goroutine and no net.Conn either.
func (s *Server) Serve(ln net.Listener) error {
	v := s.s
	if !v.lobby.listen(ln) {
		_ = ln.Close()
		return ErrServerClosed
	}
	defer v.lobby.unlisten(ln)
	if l, ok := ln.(*transport.Listener); ok && v.lean() {
		if err := v.attend(l); !errors.Is(err, errors.ErrUnsupported) {
			return v.ended(err)
		}
	}
	var trouble trouble
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			trouble.over()
			v.receive(nc)
		case v.lobby.isShut() || errors.Is(err, net.ErrClosed):
			return v.ended(err)
		default:
			v.rest(trouble.pause(v, err))
		}
	}
}

// ended is what Serve returns when its listener is closed.
func (v *service) ended(err error) error {
	if v.lobby.isShut() {
		return ErrServerClosed
	}
	return err
}

// lean reports whether handshakes may be left to the poller. Its sockets have no TCP
// keep-alive: the heartbeat takes its place.
func (v *service) lean() bool {
	return v.options.TLSConfig == nil && v.heartbeat.Interval > 0 && v.upgrader.Poller != nil
}

// receive begins the handshake of a socket that net has accepted.
func (v *service) receive(nc net.Conn) {
	if v.lean() {
		if n := transport.Welcome(nc, v.upgrader.Poller); n != nil {
			v.greet(n, v.lobby.enter(n))
			return
		}
	}
	if !v.lobby.enter(nc) {
		_ = nc.Close()
		return
	}
	v.tasks.start("handshake", func() { v.shake(nc) })
}

// trouble is what is known of an Accept that fails, for instance for want of
// descriptors.
type trouble struct {
	last   time.Duration
	logged time.Time
}

func (t *trouble) over() { t.last = 0 }

// pause is how long to wait before the next try.
func (t *trouble) pause(v *service, err error) time.Duration {
	t.last = min(max(2*t.last, acceptMin), acceptMax)
	if time.Since(t.logged) >= time.Second {
		t.logged = time.Now()
		v.logger.Warn("actors: accept failed, trying again", "server", v.name, "error", err, "pause", t.last)
	}
	return t.last
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
		secured = transport.TLSServer(nc, v.options.TLSConfig)
	}
	wire, req, err := a.upgrader().Upgrade(secured)
	if err != nil {
		v.refused(err)
		return
	}
	a.join(wire, req)
}
