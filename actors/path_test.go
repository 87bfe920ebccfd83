package actors

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hawser-go/hawser/transport"
)

// tellPath is a module that answers with its name and what it knows of the path.
func tellPath(name, path string, values ...string) Module {
	return module(name, path, func(c *Context, _ transport.Message) {
		s := name
		for _, v := range values {
			s += fmt.Sprintf(" %s=%q", v, c.Conn().PathValue(v))
		}
		_, _ = c.Reply(transport.Text, []byte(s))
	})
}

func TestModulesServeThePathsThatTheirPatternsStandFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{
			tellPath("room", "/rooms/{name}", "name", "id", "rest"),
			tellPath("lobby", "/rooms/lobby", "name"),
			tellPath("member", "/rooms/{name}/members/{id}", "name", "id"),
			tellPath("files", "/files/{rest...}", "rest"),
			tellPath("echo", "/echo", "name"),
		}})
		for path, want := range map[string][]string{
			"/rooms/blue":           {`text room name="blue" id="" rest=""`},
			"/rooms/lobby":          {`text lobby name="lobby"`, `text room name="lobby" id="" rest=""`},
			"/rooms/a%20b%2B":       {`text room name="a b+" id="" rest=""`},
			"/rooms/%7Bname%7D":     {`text room name="{name}" id="" rest=""`},
			"/rooms/x/members/7":    {`text member name="x" id="7"`},
			"/rooms/a%2Fmembers/7":  {`text member name="a" id="7"`}, // it is decoded first
			"/files/":               {`text files rest=""`},
			"/files/a/../b/?x=/y/z": {`text files rest="a/../b/"`},
			"/echo":                 {`text echo name=""`},
			"/rooms/":               nil,
			"/rooms/x/":             nil,
			"/rooms/x/members/":     nil,
			"/files":                nil,
			"/":                     nil,
			"//rooms/x":             nil,
		} {
			answer, p := w.knock("1.1.1.1:1", path)
			if p == nil {
				if answer.StatusCode != http.StatusNotFound || want != nil {
					t.Errorf("%s: status %d", path, answer.StatusCode)
				}
				continue
			}
			p.text("?")
			var got []string
			for range want {
				got = append(got, p.next())
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
			p.leave()
		}
		w.end()
	})
}

func TestTheFirstPatternThatHasTheNameCounts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{
			tellPath("one", "/{a}/{b}", "a", "b", "c"),
			tellPath("two", "/{b}/{c...}", "a", "b", "c"),
			tellPath("three", "/{c}/x/{a}", "a"),
		}})
		p := w.meet("/1/2")
		p.text("?")
		got := []string{p.next(), p.next()}
		slices.Sort(got)
		if want := []string{`text one a="1" b="2" c="2"`, `text two a="1" b="2" c="2"`}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		p.leave()
		w.end()
	})
}

func TestAnAddedModuleServesItsPatternAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{tellPath("echo", "/echo", "name")}})
		if answer, _ := w.knock("1.1.1.1:1", "/rooms/x"); answer.StatusCode != http.StatusNotFound {
			t.Errorf("before: %d", answer.StatusCode)
		}
		old := w.meet("/echo")
		w.system.Root.Send(w.server.PID(), &AddModule{Module: tellPath("rooms", "/{kind}/{name}", "kind", "name")})
		w.system.Root.Send(w.server.PID(), &AddModule{Module: tellPath("any", "/{name}", "name")})
		synctest.Wait()
		p := w.meet("/rooms/x")
		p.text("?")
		p.expect(`text rooms kind="rooms" name="x"`)
		old.text("?")
		got := []string{old.next(), old.next()}
		slices.Sort(got)
		if want := []string{`text any name="echo"`, `text echo name="echo"`}; !slices.Equal(got, want) {
			t.Errorf("a connection from before: %q, want %q", got, want)
		}
		p.leave()
		old.leave()
		w.end()
	})
}

func TestViewsOfPatternsAreMadeOnceForAllPaths(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{
			tellPath("a", "/{x}/{y}"), tellPath("b", "/{x}/{rest...}"), tellPath("c", "/fixed/{y}"),
		}})
		table := w.server.s.routes.Load()
		var all sync.WaitGroup
		for g := range 4 {
			all.Go(func() {
				for i := range 500 {
					for path, want := range map[string]int{
						fmt.Sprint("/", i, "/", g): 2, fmt.Sprint("/fixed/", i): 3, fmt.Sprint("/", i, "/a/b"): 1, fmt.Sprint("/", i): 0,
					} {
						if v := table.at(path); len(v.groups) != want || table.serves(path) != (want > 0) {
							t.Errorf("%s: %d modules, want %d", path, len(v.groups), want)
						}
					}
				}
			})
		}
		all.Wait()
		n := 0
		for range table.mixed.Range {
			n++
		}
		if n > 3 {
			t.Errorf("%d views", n)
		}
		w.end()
	})
}

func TestPatternsThatCannotBeAreToldWhatIsWrong(t *testing.T) {
	for _, path := range []string{"rooms", "/{}", "/a{b}", "/{a}/{a}", "/{a...}/b"} {
		_, err := NewServer(quietSystem(), ServerOptions{Modules: []Module{tellPath("m", path)}})
		if !isOption(err, "Module.Path") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAClientKnowsThePathThatItDialled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		values := make(chan string, 1)
		w.dial(ClientOptions{Modules: []Module{module("m", "/{word}", func(c *Context, _ transport.Message) { values <- c.Conn().PathValue("word") })}})
		w.ready()
		w.send("x")
		if got := <-values; got != "echo" {
			t.Errorf("got %q", got)
		}
		w.end()
	})
}
