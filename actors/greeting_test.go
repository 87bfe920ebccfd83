package actors

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The modules get the first messages when their hooks are done with the connection. What
// ends it meanwhile has to wait for them too.
func TestWhatCameBeforeTheEndIsAnsweredAlsoBehindTheHooks(t *testing.T) {
	one := piece{head: text, body: "x"}
	for name, c := range map[string]struct {
		sent []piece
		want []string
	}{
		"too much":   {repeat(6, one), append(replies(3, "text x"), "close 1008 too many messages")},
		"its close":  {[]piece{one, one, {head: bye, body: closeBody(1000, "")}}, []string{"text x", "text x", "close 1000"}},
		"nonsense":   {[]piece{one, {head: 0xff}}, []string{"text x", wrongProtocol}},
		"only close": {[]piece{{head: bye, body: closeBody(1000, "")}}, []string{"close 1000"}},
	} {
		for _, half := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", half closed ", half), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.serve(ServerOptions{Rates: Rates{Messages: 3}, Modules: []Module{{Name: "slow", New: func() Handler { return &hesitant{} }}}})
					p := w.meet("/")
					p.write(c.sent...)
					if half {
						_ = p.nc.(interface{ CloseWrite() error }).CloseWrite()
					}
					start := time.Now()
					p.expect(c.want...)
					if !half && strings.HasPrefix(c.want[len(c.want)-1], "close 100") && name != "nonsense" {
						p.expect("EOF")
					}
					if took := time.Since(start); took != 2*time.Second {
						t.Errorf("it took %v, and the hooks 2 s", took)
					}
					_ = p.nc.Close()
					w.connections(0)
					w.end()
				})
			})
		}
	}
}

// hesitant is a handler whose hooks take a second each.
type hesitant struct{ guestbook }

func (h *hesitant) OnConnect(*Context) error { time.Sleep(time.Second); return nil }
func (h *hesitant) OnReady(*Context)         { time.Sleep(time.Second) }

func TestAHookThatRefusesDoesNotWaitForWhatThePeerHasSaid(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{{Name: "no", New: func() Handler { return &forbidding{} }}}})
		p := w.meet("/")
		p.text("never handled")
		p.write(piece{head: bye, body: closeBody(1000, "")})
		start := time.Now()
		p.expect("close 1008", "EOF")
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
		w.connections(0)
		if st := w.server.Stats(); st.Discarded != 1 || st.Ended[1000] != 1 {
			t.Errorf("%d discarded, ended: %v", st.Discarded, st.Ended)
		}
		w.end()
	})
}

// forbidding is a handler that refuses every connection, after a second.
type forbidding struct{ guestbook }

func (*forbidding) OnConnect(*Context) error { time.Sleep(time.Second); return errKilled }
