package actors

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// The peer's close frame has come, and waits for the hooks; then the server ends the
// connection for a reason of its own. It must not wait for a close frame once more.
func TestAnEndWhileHooksGreetDoesNotForgetThePeersClose(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{{Name: "slow", New: func() Handler { return &hesitant{} }}}})
		p := w.meet("/")
		p.write(piece{head: bye, body: closeBody(1000, "")})
		synctest.Wait()
		start := time.Now()
		closed := make(chan error, 1)
		go func() { closed <- w.server.Close(t.Context()) }()
		p.expect("close 1001 server is going away", "EOF")
		_ = p.nc.Close()
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("it took %v; the hooks take 2 s", took)
		}
		if n := w.server.Stats().Ended[transport.NormalClosure]; n != 1 {
			t.Errorf("ended: %v", w.server.Stats().Ended)
		}
		w.end()
	})
}

// An inline middleware of which one hook ends its goroutine is there for the others.
func TestAnInlineHookThatEndsItsGoroutineHarmsOnlyItsOwn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		o := &onlyOnce{}
		w.serve(ServerOptions{
			Middleware: []Middleware{{Name: "odd", Inline: true, New: func() Interceptor { return o }}},
			Modules:    []Module{w.echo()},
		})
		first := w.meet("/")
		time.Sleep(20 * time.Second)
		_ = first.nc.Close()
		for range 3 {
			p := w.meet("/")
			p.text("hello")
			p.expect("text hello")
			p.leave()
		}
		w.end()
	})
}

// onlyOnce ends the goroutine of its first OnConnect.
type onlyOnce struct {
	passer
	called atomic.Bool
}

func (o *onlyOnce) OnConnect(*Conn) error {
	if o.called.CompareAndSwap(false, true) {
		runtime.Goexit()
	}
	return nil
}
