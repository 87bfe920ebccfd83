package modules_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/modules/modulestest"
	"github.com/hawser-go/hawser/transport"
)

// Price is what most tests are about.
type Price struct {
	Symbol string  `json:"symbol"`
	Bid    float64 `json:"bid"`
}

func with(m ...actors.Module) actors.ClientOptions { return actors.ClientOptions{Modules: m} }

func TestRoutesGetTheMessagesOfTheirTypeDecoded(t *testing.T) {
	var prices []Price
	var news []string
	m := modules.Define("market", func(r *modules.Routes) {
		modules.On(r, "price", func(_ *modules.Ctx, p Price) error {
			prices = append(prices, p)
			return nil
		})
		modules.On(r, "news", func(c *modules.Ctx, n struct{ Headline string }) error {
			news = append(news, c.Type()+" "+c.ID()+" "+n.Headline)
			return nil
		})
	})
	inWorld(t, with(m), func(w *world) {
		w.says(
			`{"type":"price","symbol":"EURUSD","bid":1.5}`,
			`{"headline":"late type","type":"news","id":7}`,
			`{"type":"weather","sun":true}`, `{"no":"type"}`, `not JSON`, `[1]`, ``,
			` { "symbol" : "a\"}{b" , "bid":2 , "ty\u0070e" : "pri\u0063e" } `,
		)
		if want := []Price{{"EURUSD", 1.5}, {`a"}{b`, 2}}; !slices.Equal(prices, want) {
			t.Errorf("got prices %v, want %v", prices, want)
		}
		if want := []string{"news 7 late type"}; !slices.Equal(news, want) {
			t.Errorf("got news %q, want %q", news, want)
		}
		if want := "{\"type\":\"weather\",\"sun\":true}\n{\"no\":\"type\"}\nnot JSON\n[1]\n"; w.unrouted() != want {
			t.Errorf("unrouted is %q, want %q", w.unrouted(), want)
		}
	})
}

func TestWhatGoesWrongWithAMessageIsToldAndTheModuleGoesOn(t *testing.T) {
	var counters modules.Counters
	var errs []string
	starts := 0
	refused := errors.New("refused")
	m := modules.Define("market", func(r *modules.Routes) {
		starts++
		modules.On(r, "price", func(c *modules.Ctx, p Price) error {
			switch p.Symbol {
			case "bad":
				return refused
			case "unsendable":
				return c.Send("x", make(chan int))
			}
			return nil
		})
	}, modules.WithRule(everything{}), modules.WithCounters(&counters), modules.WithErrors(func(c *modules.Ctx, err error) {
		errs = append(errs, fmt.Sprintf("%s: %v", c.Message().Payload, err))
	}))
	inWorld(t, with(m), func(w *world) {
		w.says(
			`{"type":"price","symbol":"good"}`, `{"type":"price","symbol":1}`, `{"type":"price","symbol":"bad"}`,
			`{"type":"weather"}`, `nothing`, `{"type":"price","symbol":"unsendable"}`, `{"type":"price"}`,
		)
		want := []string{
			`{"type":"price","symbol":1}: modules: json decode "price": json: cannot unmarshal number into Go struct field Price.symbol of type string`,
			`{"type":"price","symbol":"bad"}: refused`,
			`{"type":"weather"}: modules: no route for type "weather"; add one with On, or let the rule not match it`,
			`nothing: modules: json peek: not a JSON object`,
			`{"type":"price","symbol":"unsendable"}: modules: json encode "x": json: unsupported type: chan int`,
		}
		if !slices.Equal(errs, want) {
			t.Errorf("told:\n%s\nwant:\n%s", strings.Join(errs, "\n"), strings.Join(want, "\n"))
		}
		if got, want := counters.Counts(), (modules.Counts{Handled: 2, Failed: 2, Undecoded: 2, Unknown: 1}); got != want {
			t.Errorf("counted %+v, want %+v", got, want)
		}
		if starts != 1 || w.listener.Dials() != 1 {
			t.Errorf("%d starts and %d dials, want one each", starts, w.listener.Dials())
		}
	})
}

// everything is the rule that wants every message.
type everything struct{}

func (everything) Matcher(actors.ConnInfo) func(transport.Message) bool {
	return func(transport.Message) bool { return true }
}

func TestErrorsThatNobodyHearsAreLoggedEverMoreRarely(t *testing.T) {
	m := modules.Func("strict", func(*modules.Ctx, transport.Message) error { return errors.New("no") })
	var log lines
	inLoggedWorld(t, &log, with(m), func(w *world) {
		for range 100 {
			w.says("x")
		}
	})
	if got := log.with("message not handled"); len(got) != 7 { // 1 2 4 8 16 32 64
		t.Errorf("%d lines for 100 errors, want 7:\n%s", len(got), strings.Join(got, "\n"))
	}
}

func TestAPanicMakesTheStateAnewAndLosesNothingElse(t *testing.T) {
	var counters modules.Counters
	var seen []string
	m := modules.Define("market", func(r *modules.Routes) {
		n := 0
		modules.On(r, "price", func(_ *modules.Ctx, p Price) error {
			n++
			if p.Symbol == "fatal" {
				panic("broken")
			}
			seen = append(seen, fmt.Sprint(p.Symbol, n))
			return nil
		})
	}, modules.WithCounters(&counters))
	inWorld(t, with(m), func(w *world) {
		for _, s := range []string{"a", "b", "fatal", "c", "d"} {
			w.sends(transport.Text, `{"type":"price","symbol":"`+s+`"}`)
		}
		pass(time.Minute)
		if want := []string{"a1", "b2", "c1", "d2"}; !slices.Equal(seen, want) {
			t.Errorf("saw %q, want %q", seen, want)
		}
		if got, want := counters.Counts(), (modules.Counts{Handled: 4, Panicked: 1}); got != want {
			t.Errorf("counted %+v, want %+v", got, want)
		}
	})
}

func TestHooksAreRegistrationsCalledInOrder(t *testing.T) {
	var life []string
	note := func(format string, args ...any) { life = append(life, fmt.Sprintf(format, args...)) }
	m := modules.Define("life", func(r *modules.Routes) {
		r.OnStart(func(c *modules.Ctx) { note("start, send: %v", c.Send("x", nil)) })
		r.OnConnect(func(c *modules.Ctx) error { note("connect %d", c.Conn().ID()); return nil })
		r.OnReady(func(c *modules.Ctx) { note("ready %d, send: %v", c.Conn().ID(), c.Send("hello", nil)) })
		r.OnDisconnect(func(_ *modules.Ctx, cause error) { note("disconnect, lost: %v", cause != nil) })
		r.OnReconnecting(func(_ *modules.Ctx, n int, d time.Duration) error {
			note("reconnecting %d %t", n, d < time.Second)
			return nil
		})
		r.OnReconnected(func(c *modules.Ctx, n int) { note("reconnected %d", n) })
		r.OnReconnectFailed(func(_ *modules.Ctx, n int, _ error) { note("failed %d", n) })
		r.OnStop(func() { note("stop") })
		r.OnReceive(func(c *modules.Ctx, m any) { note("received %v", m); c.Actor().Respond("yes") })
		modules.On(r, "self", func(c *modules.Ctx, _ struct{}) error {
			c.Actor().Send(c.Actor().Self(), "a message of its own")
			return nil
		})
	})
	o := with(m)
	o.Backoff.MaxAttempts = 3
	inWorld(t, o, func(w *world) {
		w.says(`{"type":"self"}`)
		w.cut()
		pass(0)
		w.ready()
		w.listener.Refuse(true)
		w.cut()
		if err := w.client.WaitStopped(context.Background()); err == nil {
			t.Error("the client stopped without a cause")
		}
		want := []string{
			"start, send: modules: not connected", "connect 1", "ready 1, send: <nil>", "received a message of its own",
			"disconnect, lost: true", "reconnecting 1 true", "connect 2", "ready 2, send: <nil>", "reconnected 1",
		}
		if !slices.Equal(life[:min(len(life), len(want))], want) {
			t.Errorf("life was\n%s\nwant\n%s", strings.Join(life, "\n"), strings.Join(want, "\n"))
		}
		if n := len(life); life[n-2] != "failed 3" || life[n-1] != "stop" {
			t.Errorf("it ended with %q", life[n-2:])
		}
		if want := "{\"type\":\"hello\"}\n{\"type\":\"hello\"}"; w.heard() != want {
			t.Errorf("the peer heard %q, want %q", w.heard(), want)
		}
	})
}

func TestAModuleWithoutHooksIsNotWaitedForByConnections(t *testing.T) {
	plain := modules.Define("plain", func(r *modules.Routes) { modules.On(r, "x", func(*modules.Ctx, struct{}) error { return nil }) })
	hooked := modules.Define("hooked", func(r *modules.Routes) { r.OnReady(func(*modules.Ctx) {}) })
	for m, want := range map[*actors.Module]bool{&plain: false, &hooked: true} {
		if _, got := m.New().(interface{ OnReady(*actors.Context) }); got != want {
			t.Errorf("%s: has OnReady %v, want %v", m.Name, got, want)
		}
		if _, got := m.New().(actor.Actor); got {
			t.Errorf("%s: takes messages that it did not register for", m.Name)
		}
	}
}

func TestARouteThatCannotBeUsedIsTheFailureOfItsModule(t *testing.T) {
	nothing := func(*modules.Ctx, Price) error { return nil }
	for name, define := range map[string]func(*modules.Routes){
		"declared twice":  func(r *modules.Routes) { modules.On(r, "x", nothing); modules.On(r, "x", nothing) },
		"has no type":     func(r *modules.Routes) { modules.On(r, "", nothing) },
		"has no function": func(r *modules.Routes) { modules.On[Price](r, "x", nil) },
	} {
		m := modules.Define("broken", define)
		func() {
			defer func() {
				var e *modules.RouteError
				if err, _ := recover().(error); !errors.As(err, &e) || !strings.Contains(e.Error(), name) {
					t.Errorf("%s: %v", name, err)
				}
			}()
			m.New()
		}()
	}
	for name, m := range map[string]actors.Module{
		"Define": modules.Define("nothing", nil), "Func": modules.Func("nothing", nil),
		"wire": modules.NewWireAPI("nothing", modules.Wire[int, int]{}, modules.APIOptions{}).Module(),
	} {
		_, err := actors.NewClient(actorstest.System(t), "ws://x.test/", with(m))
		var e *actors.OptionError
		if !errors.As(err, &e) || e.Option != "Module.New" {
			t.Errorf("%s of nil: %v", name, err)
		}
	}
}

func TestRepliesCarryTheIdAsItCame(t *testing.T) {
	m := modules.Define("asked", func(r *modules.Routes) {
		modules.On(r, "ask", func(c *modules.Ctx, p Price) error {
			if p.Symbol == "" {
				return c.ReplyError("refusal", "which symbol?")
			}
			return errors.Join(c.Reply("answer", p), c.Send("news", nil))
		})
	})
	inWorld(t, with(m), func(w *world) {
		w.says(`{"type":"ask","symbol":"X","id":7}`, `{"type":"ask","symbol":"Y","id":"7"}`, `{"type":"ask","symbol":"Z"}`, `{"type":"ask","id":"a\"b"}`)
		const want = `{"type":"answer","id":7,"symbol":"X","bid":0}
{"type":"news"}
{"type":"answer","id":"7","symbol":"Y","bid":0}
{"type":"news"}
{"type":"answer","symbol":"Z","bid":0}
{"type":"news"}
{"type":"refusal","id":"a\"b","error":"which symbol?"}`
		if w.heard() != want {
			t.Errorf("the peer heard\n%s\nwant\n%s", w.heard(), want)
		}
	})
}

func TestFuncGetsAllMessagesAndMayReply(t *testing.T) {
	m := modules.Func("all", func(c *modules.Ctx, m transport.Message) error {
		if string(m.Payload) == "quiet" {
			return nil
		}
		return c.Reply("echo", struct{ Of string }{string(m.Payload)})
	})
	inWorld(t, with(m), func(w *world) {
		w.says("a", "quiet", `{"id":"4"}`)
		if want := "{\"type\":\"echo\",\"Of\":\"a\"}\n{\"type\":\"echo\",\"id\":\"4\",\"Of\":\"{\\\"id\\\":\\\"4\\\"}\"}"; w.heard() != want {
			t.Errorf("the peer heard %s, want %s", w.heard(), want)
		}
	})
}

func TestTheCodecIsTheOneOfTheSubprotocol(t *testing.T) {
	codecs := modules.Codecs{"v2": modules.JSON{Type: "t", Data: "d"}}
	for sub, want := range map[string]string{
		"v2": `{"t":"echo","id":"1","d":{"symbol":"two","bid":0}}`,
		"v1": `{"type":"echo","id":"1","symbol":"one","bid":0}`,
		"":   `{"type":"echo","id":"1","symbol":"one","bid":0}`,
	} {
		m := modules.Define("echo", func(r *modules.Routes) {
			modules.On(r, "price", func(c *modules.Ctx, p Price) error { return c.Reply("echo", p) })
		}, modules.WithCodecs(codecs))
		o := with(m)
		if sub != "" {
			o.Subprotocols = []string{sub}
		}
		inWorld(t, o, func(w *world) {
			w.says(`{"type":"price","id":"1","symbol":"one"}`, `{"t":"price","id":"1","d":{"symbol":"two"}}`)
			if w.heard() != want {
				t.Errorf("%q: the peer heard %s, want %s", sub, w.heard(), want)
			}
		})
	}
}

func TestWithChangesTheModuleItself(t *testing.T) {
	m := modules.Func("f", func(*modules.Ctx, transport.Message) error { return nil },
		modules.With(func(m *actors.Module) { m.Overflow, m.Path = actors.DropOldest, "/p" }), modules.With(nil), modules.WithCounters(nil))
	if m.Overflow != actors.DropOldest || m.Path != "/p" || m.Name != "f" {
		t.Errorf("got %+v", m)
	}
}

func priced(i int) transport.Message {
	return transport.Message{Kind: transport.Text, Payload: fmt.Appendf(nil, `{"type":"price","symbol":"S%d","bid":%d}`, i, i)}
}

func TestDefineBehavesAsAModule(t *testing.T) {
	modulestest.Run(t, func() actors.Module {
		return modules.Define("prices", func(r *modules.Routes) {
			last := map[string]Price{}
			modules.On(r, "price", func(c *modules.Ctx, p Price) error {
				last[p.Symbol] = p
				return c.Reply("ack", nil)
			})
			r.OnReady(func(c *modules.Ctx) { _ = c.Send("hello", nil) })
			r.OnReceive(func(*modules.Ctx, any) {})
		})
	}, modulestest.Options{Message: priced})
}

func TestFuncBehavesAsAModule(t *testing.T) {
	modulestest.Run(t, func() actors.Module {
		return modules.Func("reply", func(c *modules.Ctx, m transport.Message) error { return c.Reply("got", nil) })
	}, modulestest.Options{})
}

func TestCountsHaveAFieldForEachCounter(t *testing.T) {
	if n, m := reflect.TypeFor[modules.Counters]().NumField(), reflect.TypeFor[modules.Counts]().NumField(); n != m {
		t.Errorf("%d counters and %d counts", n, m)
	}
}
