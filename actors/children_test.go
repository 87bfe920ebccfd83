package actors

import (
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
)

// mourner notes whose end it is told of.
type mourner struct{ ended []string }

func (m *mourner) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.PID:
		ctx.Watch(msg)
	case *actor.Terminated:
		m.ended = append(m.ended, msg.Who.Id)
	}
}

func TestReaderAndWriterGetAPIDWhenSomebodyAsks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := &guestbook{}
		w.serve(ServerOptions{Modules: []Module{g.module()}})
		w.meets("Serve", 101)
		synctest.Wait()
		c := g.all()[0]
		if names := below(w.system, c.PID().Id); len(names) != 1 {
			t.Errorf("%q are known before somebody asks; want the connection alone", names)
		}
		reader, writer := c.Children()
		if again, _ := c.Children(); again != reader {
			t.Error("the PID is another one the second time")
		}
		if names := below(w.system, c.PID().Id); len(names) != 3 {
			t.Errorf("%q are known; want the connection, its reader and its writer", names)
		}
		m := &mourner{}
		watcher := w.system.Root.Spawn(actor.PropsFromFunc(m.Receive))
		w.system.Root.Send(watcher, reader)
		w.system.Root.Send(watcher, writer)
		synctest.Wait()
		w.system.Root.Stop(reader) // and with it the connection
		synctest.Wait()
		if len(m.ended) != 2 {
			t.Errorf("the watcher was told of the end of %q; want both", m.ended)
		}
		if names := below(w.system, c.PID().Id); len(names) != 0 {
			t.Errorf("left behind: %q", names)
		}
		if late, _ := c.Children(); late != reader {
			t.Error("the PID is another one after the end")
		}
		w.system.Root.Stop(watcher)
		w.end()
	})
}
