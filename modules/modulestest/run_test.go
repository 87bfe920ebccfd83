package modulestest

import (
	"testing"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/transport"
)

func TestEchoBehavesAsAModule(t *testing.T) {
	Run(t, func() actors.Module { return echo.New("", 1) }, Options{})
}

func TestTheEmptyHandlerBehavesAsAModule(t *testing.T) {
	nothing := actors.HandlerFunc(func(*actors.Context, transport.Message) {})
	Run(t, func() actors.Module {
		return actors.Module{Name: "nothing", Path: "/p", New: func() actors.Handler { return nothing }}
	}, Options{Subprotocol: "v1"})
}
