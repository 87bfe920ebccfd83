package actorstest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// treatment is what a Peer does with an attempt.
type treatment int

const (
	accept treatment = iota
	refuse
	unreachable
	silence
	answer
	acceptThenClose
)

func (k treatment) String() string {
	return [...]string{"accepted", "refused", "unreachable", "no answer", "answered", "accepted, then closed"}[k]
}

// step is what is done with one attempt.
type step struct {
	kind   treatment
	name   string // of an answer
	raw    string // the answer
	code   transport.CloseCode
	reason string
	chaos  bool // it is part of a Chaos
}

// then says how the next attempts are treated, behind what has been said before;
// all that follow are accepted.
func (p *Peer) then(steps ...step) {
	p.s.update(func() { p.steps = append(p.steps, steps...) })
}

// Refuse and what follows it here are each for one attempt, in the order of the
// calls; attempts for which nothing was said are accepted.
//
// Refuse makes the next n dials fail with "connection refused". With a Peer on a
// listener they are reset, which is as near as it can come.
func (p *Peer) Refuse(n int) {
	for range n {
		p.then(step{kind: refuse})
	}
}

// Unreachable lets the next dial wait until its context ends, as if its packets
// were thrown away. With a Peer on a listener it is Silence.
func (p *Peer) Unreachable() { p.then(step{kind: unreachable}) }

// Silence takes the next handshake and never answers it.
func (p *Peer) Silence() { p.then(step{kind: silence}) }

// Answer answers the next handshake with a status, an empty body, and header
// lines like "Retry-After: 30", and closes: 401, 403, 429, 503, a redirect.
func (p *Peer) Answer(status int, header ...string) { p.then(statusStep(status, header...)) }

func statusStep(status int, header ...string) step {
	lines := append([]string{fmt.Sprintf("HTTP/1.1 %d %s", status, http.StatusText(status))}, header...)
	lines = append(lines, "Content-Length: 0", "Connection: close", "", "")
	return step{kind: answer, name: fmt.Sprintf("status %d", status), raw: strings.Join(lines, "\r\n")}
}

// AnswerRaw answers the next handshake with exactly these bytes and closes: what
// is no HTTP at all, or a head that is broken.
func (p *Peer) AnswerRaw(text string) {
	p.then(step{kind: answer, name: "raw answer", raw: text})
}

// AnswerPage answers the next handshake with 200 and a web page, as a captive
// portal does.
func (p *Peer) AnswerPage(html string) {
	p.then(step{kind: answer, name: "web page", raw: fmt.Sprintf(
		"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(html), html)})
}

// AcceptThenClose accepts the next connection and closes it at once. Accept does
// not return it.
func (p *Peer) AcceptThenClose(code transport.CloseCode, reason string) {
	p.then(step{kind: acceptThenClose, code: code, reason: reason})
}

var errAnswered = errors.New("answered as the test said")

// handshake starts what answers the client at the other end of link.
func (p *Peer) handshake(link *transporttest.Link, a *Attempt, todo step) {
	nc := link.Server()
	p.s.atEnd(func() {
		link.Reset()
		_ = nc.Close()
	})
	p.s.do(func() {
		p.s.mu.Lock()
		subprotocols := p.subprotocols
		p.s.mu.Unlock()
		u := transport.Upgrader{
			Timeout:      -1, // the client's patience is what is tested
			Subprotocols: subprotocols,
			CheckOrigin:  func(*transport.Request) bool { return true },
			Authorize:    func(r *transport.Request) error { return p.authorize(nc, r, a, todo) },
			Limits:       generous,
		}
		conn, r, err := u.Upgrade(nc)
		switch {
		case errors.Is(err, errAnswered):
		case err != nil:
			p.answered(a, "failed: %v", err)
		default:
			p.answered(a, "%s", todo.kind)
			p.admit(conn, link, r, todo)
		}
	})
}

// authorize lets a handshake pass, or answers it itself and returns errAnswered.
func (p *Peer) authorize(nc net.Conn, r *transport.Request, a *Attempt, todo step) error {
	p.s.update(func() { a.Request = r })
	if missing := p.missing(r); missing != "" {
		p.s.failure("handshake of %s: %s", r.Path, missing)
		todo = statusStep(http.StatusBadRequest)
	}
	switch todo.kind {
	case silence, unreachable:
		p.answered(a, "%s", silence)
		_, _ = io.Copy(io.Discard, nc) // until the client or the test ends
	case answer:
		p.answered(a, "%s", todo.name)
		_, _ = io.WriteString(nc, todo.raw)
	default:
		return nil
	}
	_ = nc.Close()
	return errAnswered
}

// missing says which header a handshake should have carried.
func (p *Peer) missing(r *transport.Request) string {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	for _, h := range p.required {
		got := r.Header.Values(h[0])
		if len(got) != 1 || got[0] != h[1] {
			return fmt.Sprintf("want header %s: %q; got %q", h[0], h[1], got)
		}
	}
	return ""
}

// admit makes a connection of an accepted handshake.
func (p *Peer) admit(conn *transport.Conn, link *transporttest.Link, r *transport.Request, todo step) {
	c := p.s.adopt(conn, link, transporttest.ToServer, transporttest.ToClient)
	if c == nil {
		return
	}
	c.request = r
	var script func(*PeerConn)
	p.s.update(func() {
		c.log.add("accepted %s", r.Path)
		if todo.kind != acceptThenClose {
			p.accepted = append(p.accepted, c)
			script = p.script
		}
	})
	conn.Start((*socket)(c))
	switch {
	case todo.kind == acceptThenClose:
		p.s.update(func() { c.closeLocked(todo.code, todo.reason) })
	case script != nil:
		p.s.do(func() { script(c) })
	}
}

// Echo is a script for [Peer.Serve]: it sends every message back.
func Echo(c *PeerConn) {
	for {
		m, ok := c.Next()
		if !ok || !c.reply(m.Kind, m.Payload) {
			return
		}
	}
}
