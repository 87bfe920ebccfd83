package actors

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
)

// parts are the actors that a client or a server has beside its connections: the
// router, the middleware and the modules. Their owner embeds it and supervises
// them.
type parts struct {
	side     *side
	strategy *supervisor.OneForOne
	router   *actor.PID
	routes   *mailbox // of the router
	stations []*station
	modules  []Module
	targets  []*target
	works    map[string]*atomic.Bool // by actor: it has handled something since its last failure
	left     map[string]bool         // modules that have mail to handle before the owner stops
	gaveUp   map[string]bool         // actors that their supervisor has stopped for good
	revived  int                     // actors that took the place of one that somebody else stopped
	ending   bool                    // the owner stops
	deadline *time.Timer
}

func newParts(s *side) parts {
	gaveUp := map[string]bool{}
	notify := func(event any) {
		switch e := event.(type) {
		case *supervisor.GaveUp:
			gaveUp[e.Child.Id] = true
		case *supervisor.Ended:
			gaveUp[e.Child.Id] = true
		}
		s.noticed(event)
	}
	return parts{
		side: s, works: map[string]*atomic.Bool{}, gaveUp: gaveUp,
		strategy: supervisor.NewOneForOne(supervisor.OneForOneOptions{Notify: notify}),
	}
}

// spawn starts the parts and makes the first route table. It is called when the
// owner starts, before there is any connection.
func (p *parts) spawn(ctx actor.Context, modules []Module, middleware []Middleware) error {
	if err := p.spawnRouter(ctx); err != nil {
		return err
	}
	var stations []*station
	for i := range middleware {
		s, err := p.station(ctx, i, &middleware[i])
		if err != nil {
			return err
		}
		stations = append(stations, s)
	}
	var groups []*group
	for i := range modules {
		g, err := p.group(ctx, &modules[i])
		if err != nil {
			return err
		}
		groups = append(groups, g)
	}
	p.modules, p.stations = modules, stations
	p.side.routes.Store(newTable(p.side.routes.Load().routing, groups, stations))
	return nil
}

func (p *parts) spawnRouter(ctx actor.Context) (err error) {
	p.routes = newMailbox(p.side.root.dispatcher)
	props := p.side.root.props(func() actor.Actor { return &router{side: p.side} }, p.routes, escalate)
	if p.router, err = ctx.SpawnNamed(props, p.name("router")); err != nil {
		return fmt.Errorf("actors: spawn router: %w", err)
	}
	return nil
}

// name is the name of a child: the plain one first, and a new one for each that takes
// its place.
func (p *parts) name(of string) string {
	if p.revived == 0 {
		return of
	}
	return fmt.Sprintf("%s~%d", of, p.revived)
}

func (p *parts) station(ctx actor.Context, place int, m *Middleware) (s *station, err error) {
	defer func() {
		if r := recover(); r != nil { // in New of an inline middleware
			err = fmt.Errorf("actors: make middleware %q: %w", m.Name, supervisor.ToError(r))
		}
	}()
	s = &station{middleware: m, side: p.side, place: place, brake: brake{limit: queueLimit(m.QueueBytes)}}
	s.slow() // it has to show first that it is quick
	if m.Inline {
		made := m.New()
		s.inline.Store(&inline{made})
		s.hooks.learn(made, interceptorHooks)
		return s, nil
	}
	s.box = newMailbox(p.side.root.dispatcher)
	return s, p.spawnStation(ctx, s)
}

func (p *parts) spawnStation(ctx actor.Context, s *station) (err error) {
	props := p.side.root.props(func() actor.Actor { return &middlewareActor{station: s} }, s.box, escalate)
	if s.pid, err = ctx.SpawnNamed(props, p.name("middleware-"+s.middleware.Name)); err != nil {
		return fmt.Errorf("actors: spawn middleware %q: %w", s.middleware.Name, err)
	}
	p.works[s.pid.Id] = &s.works
	return nil
}

// group starts the instances of a module.
func (p *parts) group(ctx actor.Context, m *Module) (*group, error) {
	g := &group{module: m}
	g.path, _ = parsePattern(m.Path) // it has been validated
	for i := range max(1, m.Instances) {
		t := &target{module: m, side: p.side, box: newMailbox(p.side.root.dispatcher), brake: brake{limit: queueLimit(m.QueueBytes)}}
		if t.name = "module-" + m.Name; m.Instances > 1 {
			t.name = fmt.Sprintf("%s-%d", t.name, i)
		}
		if err := p.spawnTarget(ctx, t); err != nil {
			return nil, err
		}
		g.instances = append(g.instances, t)
		p.targets = append(p.targets, t)
	}
	return g, nil
}

func (p *parts) spawnTarget(ctx actor.Context, t *target) (err error) {
	props := p.side.root.props(func() actor.Actor { return &moduleActor{target: t} }, t.box, escalate)
	if t.pid, err = ctx.SpawnNamed(props, p.name(t.name)); err != nil {
		return fmt.Errorf("actors: spawn module %q: %w", t.module.Name, err)
	}
	p.strategy.SetRestart(t.pid, t.module.Restart)
	p.works[t.pid.Id] = &t.works
	return nil
}

// HandleFailure decides on the failure of a module or a middleware. One that has
// handled messages since its last failure is not given up.
func (p *parts) HandleFailure(sys *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, msg any) {
	if w := p.works[child.Id]; w == nil || w.Swap(false) {
		p.strategy.Progress(child) // shards and router have no code of the user's: they are never given up
	}
	p.strategy.HandleFailure(sys, sup, child, rs, reason, msg)
}

// add starts one more module and routes to it.
func (p *parts) add(ctx actor.Context, m *AddModule) {
	module := m.Module
	if err := module.validate(p.modules); err != nil {
		answer(ctx, &ModuleAdded{Err: err})
		return
	}
	g, err := p.group(ctx, &module)
	if err != nil {
		answer(ctx, &ModuleAdded{Err: err})
		return
	}
	p.modules = append(p.modules[:len(p.modules):len(p.modules)], module)
	p.routes.PostUserMessage(&addRoute{group: g, side: p.side, asker: ctx.Sender()})
	if s := p.side; s.line != nil && s.line.Load() != nil {
		conn := s.line.Load()
		s.hooks.submit(&call{kind: hookConnect, conn: conn, only: g, over: func(err error) {
			if err != nil {
				s.logger.Warn("actors: an added module refused the connection, which stays", "module", module.Name, "error", err)
			}
		}})
		s.hooks.submit(&call{kind: hookReady, conn: conn, only: g})
	}
}

// hooksOver: the hooks that were still to be called have been. Hookline → Client
type hooksOver struct{}

func (*hooksOver) private() {}

// stop ends the owner, behind the hooks and the messages that its modules have been
// given: a module that is busy when the last connection ends loses none of them.
// Those that need longer than the close time-out are stopped with their owner.
func (p *parts) stop(ctx actor.Context) {
	if p.deadline != nil {
		return // it is on its way
	}
	p.ending = true
	system, self := ctx.ActorSystem(), ctx.Self()
	p.deadline = time.AfterFunc(p.side.closeTimeout, func() { system.Root.Stop(self) })
	if p.side.hooks == nil {
		p.poison(ctx)
		return
	}
	p.side.hooks.whenIdle(func() { system.Root.Send(self, &hooksOver{}) })
}

// poison ends the modules behind their mail, and then the owner.
func (p *parts) poison(ctx actor.Context) {
	if p.left != nil {
		return
	}
	p.left = map[string]bool{}
	for _, t := range p.targets {
		if !t.down.Load() {
			p.left[t.pid.Id] = true
			ctx.Poison(t.pid)
		}
	}
	if len(p.left) == 0 {
		p.deadline.Stop()
		ctx.Stop(ctx.Self())
	}
}

// ended notes the end of a child; with the last module that had mail the owner
// stops. One that somebody else has stopped gets a successor.
func (p *parts) ended(ctx actor.Context, child *actor.PID) {
	p.revive(ctx, child)
	if !p.left[child.Id] {
		return
	}
	if delete(p.left, child.Id); len(p.left) == 0 {
		p.deadline.Stop()
		ctx.Stop(ctx.Self())
	}
}

// revive puts a new actor in the place of one that was stopped and should not have
// been. What it had to do is lost, and has its outcome.
func (p *parts) revive(ctx actor.Context, child *actor.PID) {
	if p.ending || p.gaveUp[child.Id] {
		return
	}
	var err error
	p.revived++
	switch t, s := p.targetOf(child), p.stationOf(child); {
	case child.Equal(p.router):
		err = p.spawnRouter(ctx)
	case t != nil && t.module.Restart == supervisor.Permanent:
		if !t.box.reopen() {
			p.reviveSoon(ctx, child)
			return
		}
		t.down.Store(false)
		err = p.spawnTarget(ctx, t)
	case s != nil:
		if !s.box.reopen() {
			p.reviveSoon(ctx, child)
			return
		}
		err = p.spawnStation(ctx, s)
	default:
		return
	}
	delete(p.works, child.Id)
	p.side.counters.restarts.Add(1)
	p.side.logger.Warn("actors: an actor was stopped from outside and has a successor", "actor", child.Id, "error", err)
}

// revival: an actor that was stopped may be in its last turn no more. Timer → Client,
// Server
type revival struct{ child *actor.PID }

func (*revival) private() {}

// reviveSoon tries again in a moment.
func (p *parts) reviveSoon(ctx actor.Context, child *actor.PID) {
	system, self := ctx.ActorSystem(), ctx.Self()
	time.AfterFunc(time.Millisecond, func() { system.Root.Send(self, &revival{child: child}) })
}

func (p *parts) targetOf(pid *actor.PID) *target {
	for _, t := range p.targets {
		if t.pid.Equal(pid) {
			return t
		}
	}
	return nil
}

func (p *parts) stationOf(pid *actor.PID) *station {
	for _, s := range p.stations {
		if s.pid != nil && s.pid.Equal(pid) {
			return s
		}
	}
	return nil
}

// over is called when the owner has stopped: the inline middleware, which has no
// actor, ends with it.
func (p *parts) over() {
	for _, s := range p.side.routes.Load().middleware {
		if i := s.inline.Load(); i != nil {
			s.stop(i)
		}
	}
}

// event tells the modules what happened.
func (p *parts) event(e *Event) {
	for _, t := range p.targets {
		if !t.down.Load() {
			t.box.PostUserMessage(e)
		}
	}
}
