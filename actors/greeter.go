package actors

import (
	"time"

	"github.com/hawser-go/hawser/transport"
)

// greeter does the opening handshake of a socket that the poller watches: on its loop
// as long as no code of the user has a say, else on a goroutine.
type greeter struct {
	arrival
	newcomer *transport.Newcomer
}

// greet begins the handshake of a socket that is in the lobby, or closes one that was
// not let in.
func (v *service) greet(n *transport.Newcomer, in bool) {
	g := &greeter{newcomer: n, arrival: arrival{service: v, socket: n, began: time.Now()}}
	if !in {
		_ = n.Close()
	}
	if err := n.Start(v.upgrader, g); err != nil && in {
		g.over()
	}
}

// Asked implements transport.Greeter.
func (g *greeter) Asked(*transport.Newcomer) {
	if g.service.consults {
		g.service.tasks.start("handshake", g.shake)
		return
	}
	g.answer()
}

// Gone implements transport.Greeter.
func (g *greeter) Gone(_ *transport.Newcomer, err error) { g.refuse(err) }

// shake is answer where functions of the user may panic, or end the goroutine.
func (g *greeter) shake() {
	returned := false
	defer func() {
		if r := recover(); r != nil {
			g.service.logger.Error("actors: handshake panicked", "server", g.service.name, "panic", r)
		}
		if !returned {
			g.newcomer.Refuse(nil)
			g.over()
		}
	}()
	g.answer()
	returned = true
}

// answer decides on the request, and lets the connection in.
func (g *greeter) answer() {
	wire, req, err := g.newcomer.Answer(!g.service.consults, g.authorize)
	if err != nil {
		g.refuse(err)
		return
	}
	g.join(wire, req)
	g.over()
}

// refuse tells the peer so, which may take it a while to read.
func (g *greeter) refuse(err error) {
	g.service.tasks.start("handshake", func() {
		defer g.over()
		defer func() {
			if r := recover(); r != nil { // in the user's logger
				g.service.logger.Error("actors: handshake panicked", "server", g.service.name, "panic", r)
			}
		}()
		g.service.refused(err) // first: who reads the answer finds it counted
		g.newcomer.Refuse(err)
	})
}
