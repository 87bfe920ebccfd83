package runner

import (
	"github.com/hawser-go/hawser/bench/internal/load"
	"github.com/hawser-go/hawser/bench/internal/peer"
)

// connect opens the connections of the scenario.
func (l *lane) connect() error {
	s, addr := l.scenario, l.server.Addr()
	if s.Shape == Lives {
		lives, err := load.NewLives(addr, l.server.Path(peer.EchoPath), s.payloads()[0], s.Conns)
		if err == nil {
			l.load = lives
		}
		return err
	}
	options := load.Options{Payloads: s.payloads(), Batch: s.InFlight, Deflate: s.has(peer.Deflate)}
	echo := load.DialOptions{Path: l.server.Path(peer.EchoPath), Conns: s.Conns, InFlight: s.InFlight, Apart: s.Shape == Beside}
	if s.Shape == Typed {
		options.Judge, options.MaxAnswer = acknowledges, longestAck
		echo.Path = l.server.Path(peer.TypedPath)
	}
	if s.has(peer.TLS) {
		t, err := load.NewTLS(options)
		if err != nil {
			return err
		}
		l.load = t
		return t.Dial(addr, echo)
	}
	g, err := load.New(options)
	if err != nil {
		return err
	}
	l.load = g
	switch s.Shape {
	case Fanout:
		f, err := load.NewFanout(g, addr, load.FanoutOptions{
			Publish: l.server.Path(peer.PubPath), Subscribe: l.server.Path(peer.SubPath),
			Subscribers: s.Conns, Outstanding: s.InFlight,
		})
		if err == nil {
			l.load = f
		}
		return err
	case Paced:
		l.load = load.NewPaced(g, s.Rate)
	case Beside:
		if err := g.Dial(addr, load.DialOptions{Path: l.server.Path(peer.SlowPath), Conns: 1, Side: true}); err != nil {
			return err
		}
	}
	return g.Dial(addr, echo)
}
