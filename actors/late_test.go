package actors

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// late are the events of an incarnation that can come when it is gone.
var late = map[string]func(old *Conn) any{
	"dial result": func(old *Conn) any {
		client, server, _ := transporttest.Pipe(transporttest.PipeOptions{})
		_ = server.Close()
		return &dialed{epoch: old.epoch, wire: client}
	},
	"failed dial":    func(old *Conn) any { return &dialed{epoch: old.epoch, err: errKilled} },
	"backoff timer":  func(old *Conn) any { return &backoffOver{epoch: old.epoch} },
	"deadline timer": func(old *Conn) any { return &tick{epoch: old.epoch} },
	"overdue notice": func(old *Conn) any { return (*overdue)(old) },
	"pong": func(old *Conn) any {
		return &pongReceived{epoch: old.epoch, payload: pulse{sequence: 1}.nonce(old.epoch)}
	},
	"read error": func(old *Conn) any { return &ended{epoch: old.epoch, err: errKilled} },
	"close frame": func(old *Conn) any {
		return &peerClosed{epoch: old.epoch, frame: &transport.CloseError{Code: transport.PolicyViolation}}
	},
	"violation":          func(old *Conn) any { return &violated{epoch: old.epoch, err: errKilled} },
	"own close frame":    func(old *Conn) any { return &closeSent{epoch: old.epoch} },
	"end of set-up":      func(old *Conn) any { return &opened{epoch: old.epoch} },
	"failure of a setup": func(old *Conn) any { return &opened{epoch: old.epoch, err: errKilled} },
}

func TestLateEventsOfAnOldIncarnationHarmNobody(t *testing.T) {
	for name, event := range late {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				c := w.dial(ClientOptions{})
				w.ready()
				old := c.s.line.Load()
				w.link().Reset()
				synctest.Wait()
				w.ready()
				before := c.s.counters.stale.Load()

				w.system.Root.Send(old.pid, event(old))
				synctest.Wait()

				if n := c.s.counters.stale.Load() - before; n != 1 && name != "deadline timer" && name != "overdue notice" && name != "backoff timer" {
					t.Errorf("counted %d late events, want 1", n)
				}
				if c.State() != Ready || w.listener.Dials() != 2 {
					t.Errorf("state %v after %d dials; the late event did something:\n%s", c.State(), w.listener.Dials(), w.story())
				}
				if c.RTT() != 0 {
					t.Error("a late pong was taken for an answer")
				}
				w.send("alive")
				time.Sleep(time.Second)
				if got := w.echoed(); len(got) != 1 {
					t.Errorf("got %v back", got)
				}
				w.end()
			})
		})
	}
}

func TestLateNoticesOfAnOldSocketReachNoNewActor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{})
		w.ready()
		old := c.s.line.Load()
		w.link().Reset()
		synctest.Wait()
		w.ready()
		now := c.s.line.Load()

		old.Readable(nil)
		old.Writable(nil)
		old.wake()
		now.reader.PostUserMessage((*readable)(old))
		now.writer.PostUserMessage(&sendClose{epoch: old.epoch, code: transport.GoingAway})
		if _, err := old.Send(transport.Text, []byte("through the old handle")); err != nil {
			t.Error(err)
		}
		synctest.Wait()

		if c.State() != Ready || w.listener.Dials() != 2 {
			t.Errorf("state %v after %d dials", c.State(), w.listener.Dials())
		}
		w.ids["through the old handle"] = 1
		w.end()
	})
}

func TestADialThatSucceedsAfterTheStopLeavesNoSocket(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.listener.Silence(true)
		c := w.dial(ClientOptions{})
		synctest.Wait()
		w.system.Root.Send(c.pid, &Do{Command: Hold})
		synctest.Wait()
		if c.State() != Held {
			t.Errorf("state %v", c.State())
		}
		w.listener.Silence(false)
		w.end()
		if n := w.server.Connections(); n != 0 {
			t.Errorf("%d connections left on the server", n)
		}
	})
}

func TestALateDialResultIsNotTakenForTheCurrentOne(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		c := w.dial(ClientOptions{})
		for c.s.epochs.Load() < 2 {
			time.Sleep(10 * time.Millisecond)
		}
		w.listener.Refuse(false)
		w.listener.Silence(true)
		for c.State() != Connecting {
			time.Sleep(10 * time.Millisecond)
		}
		client, server, _ := transporttest.Pipe(transporttest.PipeOptions{})
		w.system.Root.Send(w.status().Connection, &dialed{epoch: c.s.epochs.Load() - 1, wire: client})
		synctest.Wait()
		if c.State() != Connecting || c.s.counters.stale.Load() != 1 {
			t.Errorf("state %v, %d late events", c.State(), c.s.counters.stale.Load())
		}
		<-client.Done() // the socket that nobody wants is closed
		_ = server.Close()
		w.end()
	})
}

func TestWhatAPeerThatClosesWillNotReadWaitsForTheNextConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{})
		w.ready()
		old := c.s.line.Load()
		old.writer.setSuspended(true) // nothing is written until the close has begun
		w.system.Root.Send(old.pid, &peerClosed{epoch: old.epoch, frame: &transport.CloseError{Code: transport.GoingAway}})
		synctest.Wait()
		w.send(strings.Repeat("1", 200), strings.Repeat("2", 200), strings.Repeat("3", 200))
		synctest.Wait()
		old.writer.mu.Lock()
		old.writer.suspended = false
		old.writer.schedule()
		w.ready()
		time.Sleep(time.Minute)
		if got := w.received(); len(got) != 3 || w.listener.Dials() != 2 {
			t.Errorf("%v arrived after %d dials", got, w.listener.Dials())
		}
		if n := w.listener.Links()[0].Sent(transporttest.ToServer); n > 300 {
			t.Errorf("%d bytes went to the peer that had closed", n)
		}
		w.end()
		w.delivered(false)
	})
}
