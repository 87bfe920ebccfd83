package actors

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// arrival is a handshake on its way to becoming a connection.
type arrival struct {
	service   *service
	socket    io.Closer // of Serve: what the lobby knows it by; nil for net/http
	began     time.Time
	principal Principal
	account   *account
	heard     bool // its request has come, and was not refused
	admitted  bool // it has a place in the admission
	accepted  bool // it counts in the lobby as one that has to join
}

// defaultHandshake is ServerOptions.HandshakeTimeout when nothing is said.
const defaultHandshake = 5 * time.Second

// errCut ends the handshake of a socket that was closed meanwhile.
var errCut = errors.New("actors: made room for other handshakes, or the server ended")

// authorize decides on a request that is otherwise good.
func (a *arrival) authorize(r *transport.Request) error {
	if a.socket != nil {
		if a.heard = a.service.lobby.heard(a.socket); !a.heard {
			return errCut
		}
	}
	accepted := false
	defer func() { // also if a function of the user panics
		if !accepted {
			a.turnAway()
		}
	}()
	err := a.decide(r)
	accepted = err == nil
	return err
}

// turnAway gives the places of a handshake back that is refused: its answer may take
// a while to be read.
func (a *arrival) turnAway() {
	if a.heard {
		a.heard = false
		a.service.lobby.refused(a.socket)
	}
	if a.admitted {
		a.admitted = false
		a.service.admission.leave(a.account)
	}
}

func (a *arrival) decide(r *transport.Request) error {
	s, o := a.service, &a.service.options
	if s.lobby.isShut() {
		return s.goingAway()
	}
	if !s.routes.Load().serves(r.Path) {
		return &transport.HandshakeError{Status: http.StatusNotFound, Detail: "no module serves this path"}
	}
	address := ""
	if o.Authenticate != nil {
		address = addressKey(r.RemoteAddr)
	}
	if err := s.admission.knock(address); err != nil {
		return err
	}
	if o.Authenticate != nil {
		if err := a.authenticate(r, address); err != nil {
			return err
		}
	}
	var err error
	if a.account, err = s.admission.admit(a.key(r)); err != nil {
		return err
	}
	a.admitted = true
	if o.Authorize != nil {
		if err := o.Authorize(r); err != nil {
			return err
		}
	}
	if a.accepted = s.lobby.accept(); !a.accepted {
		return s.goingAway()
	}
	return nil
}

func (s *service) goingAway() error {
	return s.admission.later(http.StatusServiceUnavailable, "the server is going away", 0)
}

// authenticate finds out who it is. An address where that fails, be it by a panic,
// pays for it.
func (a *arrival) authenticate(r *transport.Request, address string) (err error) {
	o, known := &a.service.options, false
	defer func() {
		if !known {
			a.service.admission.failed(address)
		}
	}()
	ctx := r.Context
	if o.HandshakeTimeout >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, a.began.Add(orDefault(o.HandshakeTimeout, defaultHandshake)))
		defer cancel()
	}
	a.principal, err = o.Authenticate(ctx, r)
	if refusal := (*transport.HandshakeError)(nil); err != nil && !errors.As(err, &refusal) {
		return &transport.HandshakeError{Status: http.StatusUnauthorized, Detail: "not authenticated", Err: err}
	}
	known = err == nil
	return err
}

// key says on whose account the connection goes.
func (a *arrival) key(r *transport.Request) string {
	switch ask := a.service.options.Admission.Key; {
	case !a.service.admission.keyed:
		return ""
	case ask != nil:
		return "#" + ask(r, a.principal)
	case a.principal != nil:
		if who := a.principal.Identity(); who != "" {
			return "=" + who
		}
	}
	return addressKey(r.RemoteAddr)
}

// over gives back what of an arrival did not become a connection.
func (a *arrival) over() {
	if a.socket != nil {
		a.service.lobby.leave(a.socket, a.heard)
	}
	if a.admitted {
		a.service.admission.leave(a.account)
	}
	if a.accepted {
		a.service.lobby.joined()
	}
}

// upgrader returns the upgrader of this handshake.
func (a *arrival) upgrader() *transport.Upgrader {
	u := *a.service.upgrader
	u.Authorize = a.authorize
	return &u
}

// refused counts and logs a handshake that failed.
func (s *service) refused(err error) {
	status := 0
	if e, ok := errors.AsType[*transport.HandshakeError](err); ok && !errors.Is(err, errCut) {
		status = e.Status
	}
	s.refusals.add(status)
	s.logger.Debug("actors: handshake refused", "server", s.name, "error", err)
}

// join gives a new connection to a shard.
func (a *arrival) join(wire *transport.Conn, req *transport.Request) {
	s, given := a.service, false
	defer func() {
		if !given { // Metadata failed, or ended the goroutine (runtime.Goexit)
			discard(wire)
		}
	}()
	meta, ok := s.metadata(req)
	if !ok {
		return
	}
	h := newHousehold(s, wire, s.routes.Load().intern(req.Path))
	if who := (identity{meta, a.principal, a.account}); meta != nil || a.principal != nil || a.account != nil {
		h.conn.identity = &who
	}
	given, a.admitted = true, false // the shard gives its place back
	h.actor.shard.box.deliver((*joined)(h))
}
