package actors

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// hopeless panics at every message.
type hopeless struct{}

func (hopeless) OnReceive(*Conn, transport.Message) Verdict { panic(errKilled) }
func (hopeless) OnSend(*Conn, transport.Message) Verdict    { panic(errKilled) }

func TestAMiddlewareThatIsGivenUpFailsAsItDeclares(t *testing.T) {
	for _, open := range []bool{false, true} {
		t.Run(fmt.Sprint("fail open ", open), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				c := w.dial(ClientOptions{
					Outbox:     OutboxLimits{Age: -1},
					Middleware: []Middleware{{Name: "hopeless", FailOpen: open, New: func() Interceptor { return hopeless{} }}},
				})
				w.ready()
				for i := range 50 {
					w.send(fmt.Sprint(i))
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				out, back, b := len(w.received()), len(w.echoed()), c.Books()
				if open && (out != 50 || back != 50) {
					t.Errorf("fail open: %d of 50 went out, %d came back: %v", out, back, b)
				}
				if !open && (out != 0 || b.Dropped[Rejected] != 50) {
					t.Errorf("fail closed: %d of 50 went out: %v", out, b)
				}
				w.end()
				w.delivered(false)
			})
		})
	}
}

func TestMetadataThatPanicsCostsOnlyItsConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		calls := 0
		w.serve(ServerOptions{Metadata: func(*transport.Request) any {
			if calls++; calls == 1 {
				panic(errKilled)
			}
			return "second"
		}})
		w.dial(ClientOptions{})
		for len(w.listener.Links()) < 2 {
			time.Sleep(10 * time.Millisecond)
		}
		w.ready()
		w.send("hello")
		synctest.Wait()
		if got := w.echoed(); len(got) != 1 {
			t.Errorf("got %v back", got)
		}
		w.end()
	})
}
