//go:build linux

package siege

import (
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// grenade makes whatever actor gets it panic, outside of all code of ours:
// protoactor asks the message for its answer.
type grenade struct{}

func (grenade) GetAutoResponse(actor.Context) any { panic(errGrenade) }

var errGrenade = errors.New("killed by the test")

// boom makes the test's modules and middleware panic.
type boom struct{}

// kindsOfActors are the actors of a server.
var kindsOfActors = []string{"root", "server", "shard", "router", "middleware", "module", "reader", "writer", "connection"}

// kindOf says what an actor is by its name, or "" if it is none of ours, or one
// that only waits for others.
func kindOf(id string) string {
	path := strings.Split(id, "/")
	last := path[len(path)-1]
	switch {
	case !strings.HasPrefix(id, "hawser"):
	case len(path) == 1:
		return "root"
	case len(path) == 2:
		return "server"
	case len(path) == 3:
		for prefix, kind := range map[string]string{"router": "router", "middleware-": "middleware", "module-": "module"} {
			if strings.HasPrefix(last, prefix) {
				return kind
			}
		}
		return "shard"
	case len(path) == 4 && last[0] == 'c':
		return "connection"
	case len(path) == 5 && last == "r1":
		return "reader"
	case len(path) == 5 && last == "w1":
		return "writer"
	}
	return ""
}

// census lists the actors of ours by kind.
func census(system *actor.ActorSystem) map[string][]*actor.PID {
	all := map[string][]*actor.PID{}
	for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
		bucket.IterCb(func(name string, _ any) {
			if kind := kindOf(name); kind != "" {
				all[kind] = append(all[kind], actor.NewPID(system.Address(), name))
			}
		})
	}
	for _, pids := range all {
		slices.SortFunc(pids, func(a, b *actor.PID) int { return strings.Compare(a.Id, b.Id) })
	}
	return all
}

// death is a way in which a stranger with a PID can kill.
type death struct {
	name string
	kill func(system *actor.ActorSystem, pid *actor.PID)
}

// manyFailures is the death of an actor that fails again whenever it is restarted.
const manyFailures = "failure x20"

var deaths = []death{
	{"failure", fail},
	{manyFailures, func(system *actor.ActorSystem, pid *actor.PID) {
		for range 20 {
			fail(system, pid)
		}
	}},
	{"stop", func(system *actor.ActorSystem, pid *actor.PID) { system.Root.Stop(pid) }},
	{"poison", func(system *actor.ActorSystem, pid *actor.PID) { system.Root.Poison(pid) }},
	{"restart", func(system *actor.ActorSystem, pid *actor.PID) { toSystem(system, pid, &actor.Restart{}) }},
}

// fail makes an actor fail: it panics, or, being a reader or a writer, which take no
// messages of strangers, is reported to its parent as one that did.
func fail(system *actor.ActorSystem, pid *actor.PID) {
	switch kindOf(pid.Id) {
	case "reader", "writer":
		parent := actor.NewPID(pid.Address, pid.Id[:strings.LastIndexByte(pid.Id, '/')])
		toSystem(system, parent, &actor.Failure{Who: pid, Reason: errGrenade, RestartStats: actor.NewRestartStatistics()})
	case "module", "middleware":
		system.Root.Send(pid, boom{})
	default:
		system.Root.Send(pid, grenade{})
	}
}

// toSystem sends a system message, as a supervisor does.
func toSystem(system *actor.ActorSystem, pid *actor.PID, m any) {
	if p, ok := system.ProcessRegistry.Get(pid); ok {
		p.SendSystemMessage(pid, m)
	}
}

// fragileEcho answers what comes, and panics at a boom.
type fragileEcho struct{}

func (fragileEcho) OnMessage(ctx *actors.Context, m transport.Message) {
	ctx.Conn().Children() // from now on they can be found, and killed
	_, _ = ctx.Echo(m)
}

func (fragileEcho) Receive(ctx actor.Context) {
	if _, ok := ctx.Message().(boom); ok {
		panic(errGrenade)
	}
}

// fragileGate lets all pass, and panics at a boom.
type fragileGate struct{}

func (fragileGate) OnReceive(*actors.Conn, transport.Message) actors.Verdict { return actors.Pass() }

func (fragileGate) OnSend(*actors.Conn, transport.Message) actors.Verdict { return actors.Pass() }

func (fragileGate) Receive(ctx actor.Context) { fragileEcho{}.Receive(ctx) }

// fragile is a server with one of each kind of actor.
func fragile(shards int) actors.ServerOptions {
	return actors.ServerOptions{
		Shards:     shards,
		Modules:    []actors.Module{{Name: "echo", New: func() actors.Handler { return fragileEcho{} }}},
		Middleware: []actors.Middleware{{Name: "gate", New: func() actors.Interceptor { return fragileGate{} }}},
	}
}

// mute is an actor system that logs nothing.
func mute() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(io.Discard, nil))
	}))
}
