// Package echo is a module that sends every message back as it came.
package echo

import (
	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// New returns a module that echoes the messages of connections opened with path;
// "" means all. It has no state, so several instances share the work: one for each
// of instances, at least one.
func New(path string, instances int) actors.Module {
	return actors.Module{
		Name:      "echo",
		Path:      path,
		Instances: instances,
		New:       func() actors.Handler { return handler{} },
	}
}

type handler struct{}

// OnMessage implements actors.Handler. An error means that the connection has
// ended or does not keep up; either is told to those whom it concerns.
func (handler) OnMessage(ctx *actors.Context, m transport.Message) {
	_, _ = ctx.Echo(m)
}
