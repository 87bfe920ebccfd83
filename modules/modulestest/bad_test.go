package modulestest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// bad are modules that each do one thing wrong, and what the suite says of them.
var bad = map[string]struct {
	module func() actors.Module
	says   string
}{
	"keeps":   {func() actors.Module { return of(&keeper{}) }, "payloads of 100 are still referred to"},
	"changes": {func() actors.Module { return of(changer{}) }, "it changed the payload"},
	"leaks":   {func() actors.Module { return of(&leaker{}) }, "a goroutine is still there after Close"},
	"refuses": {func() actors.Module { return of(refuser{}) }, "no connection became ready"},
	"sleeps":  {func() actors.Module { return of(sleeper{}) }, "did not close"},
	"panics":  {func() actors.Module { return of(panicker{}) }, "the module was given"},
	"wants nothing": {func() actors.Module {
		m := of(changer{})
		m.Match = func(transport.Message) bool { return false }
		return m
	}, "does its Match, Rule or Path not want"},
	"shares": {func() actors.Module {
		h := actors.Handler(&once{})
		return actors.Module{Name: "bad", New: func() actors.Handler { return h }}
	}, "the module was given 1 messages, want 110"},
	"has no New": {func() actors.Module { return actors.Module{Name: "bad"} }, "has no New"},
}

func of(h actors.Handler) actors.Module {
	return actors.Module{Name: "bad", New: func() actors.Handler { return h }}
}

type (
	keeper   struct{ all [][]byte }
	changer  struct{}
	leaker   struct{}
	refuser  struct{ changer }
	sleeper  struct{}
	panicker struct{}
	once     struct{ starts int }
)

func (k *keeper) OnMessage(_ *actors.Context, m transport.Message) { k.all = append(k.all, m.Payload) }

func (changer) OnMessage(_ *actors.Context, m transport.Message) { m.Payload[0] ^= 1 }

func (*leaker) OnMessage(*actors.Context, transport.Message) {}

func (*leaker) OnStart(*actors.Context) {
	go func() { time.Sleep(time.Hour) }() // in the end it ends, or the bubble would not
}

func (refuser) OnConnect(*actors.Context) error { return errors.New("no") }

func (sleeper) OnMessage(*actors.Context, transport.Message) { time.Sleep(time.Hour) }

func (panicker) OnMessage(*actors.Context, transport.Message) { panic("always") }

// once works until it is restarted.
func (o *once) OnStart(*actors.Context) {
	if o.starts++; o.starts > 1 {
		panic("was not made anew")
	}
}

func (*once) OnMessage(*actors.Context, transport.Message) {}

// TestSuiteFails is run by the test below, in a process of its own.
func TestSuiteFails(t *testing.T) {
	b, ok := bad[os.Getenv("MODULESTEST_BAD")]
	if !ok {
		t.Skip("run by TestTheSuiteFindsWhatIsWrong")
	}
	Run(t, b.module, Options{Side: ClientOnly})
}

func TestTheSuiteFindsWhatIsWrong(t *testing.T) {
	for name, b := range bad {
		t.Run(name, func(t *testing.T) {
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuiteFails$", "-test.timeout=60s")
			c.Env = append(os.Environ(), "MODULESTEST_BAD="+name)
			out, err := c.CombinedOutput()
			if err == nil || !strings.Contains(string(out), b.says) {
				t.Errorf("the suite ended with %v and did not say %q:\n%.3000s", err, b.says, out)
			}
		})
	}
}
