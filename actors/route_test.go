package actors

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// every is a rule that wants every k-th message of a connection.
type every struct{ k int }

func (e every) Matcher(ConnInfo) func(transport.Message) bool {
	n := 0
	return func(transport.Message) bool {
		n++
		return n%e.k == 0
	}
}

// brittle is a rule that fails: at once, or at the message "boom".
type brittle struct{ atOnce bool }

func (b brittle) Matcher(ConnInfo) func(transport.Message) bool {
	if b.atOnce {
		panic("no matcher today")
	}
	return func(m transport.Message) bool {
		if string(m.Payload) == "boom" {
			panic("no judgement today")
		}
		return true
	}
}

// spy notes what each module of a client gets.
type spy struct {
	mu  sync.Mutex
	got map[string][]string
}

func (s *spy) module(m Module) Module {
	m.New = func() Handler {
		return HandlerFunc(func(_ *Context, got transport.Message) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.got == nil {
				s.got = map[string][]string{}
			}
			s.got[m.Name] = append(s.got[m.Name], string(got.Payload))
		})
	}
	return m
}

// took fails the test unless the module got exactly these messages, in order.
func (s *spy) took(t *testing.T, module, want string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := s.got[module]; !slices.Equal(got, strings.Fields(want)) {
		t.Errorf("module %s got %q; want %q", module, got, strings.Fields(want))
	}
}

func prefix(p string) func(transport.Message) bool {
	return func(m transport.Message) bool { return strings.HasPrefix(string(m.Payload), p) }
}

// bounce sends each word to a server that echoes.
func (w *world) bounce(words string) {
	for _, word := range strings.Fields(words) {
		w.send(word)
	}
	synctest.Wait()
}

func TestMessagesAreRoutedByRule(t *testing.T) {
	for _, c := range []struct {
		name     string
		routing  Routing
		modules  []Module
		send     string
		want     map[string]string
		unrouted uint64
		failed   uint64
	}{
		{
			name: "all that want it", modules: []Module{{Name: "a", Match: prefix("a")}, {Name: "ab", Match: prefix("ab")}, {Name: "any"}},
			send: "a ab b", want: map[string]string{"a": "a ab", "ab": "ab", "any": "a ab b"},
		},
		{
			name: "the first that wants it", routing: ToFirst, modules: []Module{{Name: "ab", Match: prefix("ab")}, {Name: "a", Match: prefix("a")}, {Name: "any"}},
			send: "a ab b", want: map[string]string{"a": "a", "ab": "ab", "any": "b"},
		},
		{
			name: "what nobody wants", modules: []Module{{Name: "rest", Unrouted: true}, {Name: "a", Match: prefix("a")}},
			send: "x a y", want: map[string]string{"a": "a", "rest": "x y"}, unrouted: 2,
		},
		{
			name: "only what nobody wants", modules: []Module{{Name: "rest", Unrouted: true}},
			send: "x y", want: map[string]string{"rest": "x y"}, unrouted: 2,
		},
		{
			name: "a rule that remembers", modules: []Module{{Name: "second", Rule: every{2}}, {Name: "third", Rule: every{3}}},
			send: "1 2 3 4 5 6", want: map[string]string{"second": "2 4 6", "third": "3 6"}, unrouted: 2,
		},
		{
			name: "the first of rules that remember", routing: ToFirst, modules: []Module{{Name: "second", Rule: every{2}}, {Name: "odd", Rule: every{2}}},
			send: "1 2 3 4", want: map[string]string{"second": "2 4", "odd": "3"}, unrouted: 1,
		},
		{
			name: "a rule that panics at a message", modules: []Module{{Name: "brittle", Rule: brittle{}}, {Name: "any"}},
			send: "1 boom 2", want: map[string]string{"brittle": "1 2", "any": "1 boom 2"}, failed: 1,
		},
		{
			name: "a rule that cannot begin", modules: []Module{{Name: "brittle", Rule: brittle{atOnce: true}}, {Name: "any"}},
			send: "1 2", want: map[string]string{"brittle": "", "any": "1 2"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				s := &spy{}
				o := ClientOptions{Routing: c.routing}
				for _, m := range c.modules {
					o.Modules = append(o.Modules, s.module(m))
				}
				w.dial(o)
				w.ready()
				w.bounce(c.send)
				for module, want := range c.want {
					s.took(t, module, want)
				}
				counters := &w.client.s.counters
				if got := counters.unrouted.Load(); got != c.unrouted {
					t.Errorf("%d unrouted; want %d", got, c.unrouted)
				}
				if got := counters.failed.Load(); got != c.failed {
					t.Errorf("%d failed; want %d", got, c.failed)
				}
				w.end()
			})
		})
	}
}

func TestARuleForgetsWithTheConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		s := &spy{}
		w.dial(ClientOptions{Modules: []Module{s.module(Module{Name: "third", Rule: every{3}})}})
		w.ready()
		w.bounce("1 2")
		w.link().Reset()
		synctest.Wait()
		w.ready()
		w.bounce("3 4 5")
		s.took(t, "third", "5") // with its memory it would be 3
		w.end()
	})
}

func TestARuleRemembersOverAnAddedModule(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		s := &spy{}
		w.dial(ClientOptions{Modules: []Module{s.module(Module{Name: "third", Rule: every{3}})}})
		w.ready()
		w.bounce("1 2")
		w.system.Root.Send(w.client.pid, &AddModule{Module: s.module(Module{Name: "late"})})
		synctest.Wait()
		w.bounce("3")
		s.took(t, "third", "3")
		s.took(t, "late", "3")
		w.end()
	})
}

func TestAModuleThatEndedIsNotTheFirst(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		s := &spy{}
		w.dial(ClientOptions{Routing: ToFirst, Modules: []Module{s.module(Module{Name: "one", Restart: supervisor.Transient}), s.module(Module{Name: "two"})}})
		w.ready()
		w.bounce("1")
		w.system.Root.Stop(w.client.s.routes.Load().groups[0].instances[0].pid)
		synctest.Wait()
		w.bounce("2")
		s.took(t, "one", "1")
		s.took(t, "two", "2")
		w.end()
	})
}

func TestBadRulesAreRefused(t *testing.T) {
	system := quietSystem()
	for i, m := range []Module{
		{Name: "m", Match: prefix("a"), Rule: every{2}},
		{Name: "m", Unrouted: true, Match: prefix("a")},
		{Name: "m", Unrouted: true, Rule: every{2}},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			m.New = func() Handler { return HandlerFunc(func(*Context, transport.Message) {}) }
			_, err := NewClient(system, "ws://h/", ClientOptions{Modules: []Module{m}})
			if _, ok := err.(*OptionError); !ok { //nolint:errorlint // it is never wrapped
				t.Errorf("%v; want an OptionError", err)
			}
		})
	}
}
