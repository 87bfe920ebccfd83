package dedup

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	mw "github.com/hawser-go/hawser/internal/middlewaretest"
	"github.com/hawser-go/hawser/transport"
)

// id is the first word of a text that begins with #.
func id(m transport.Message) string {
	if word, _, _ := strings.Cut(string(m.Payload), " "); strings.HasPrefix(word, "#") {
		return word
	}
	return ""
}

// after returns the rest of a text that begins with a word.
func after(word string) func(transport.Message) string {
	return func(m transport.Message) string {
		rest, ok := strings.CutPrefix(string(m.Payload), word+" ")
		if !ok {
			return ""
		}
		return rest
	}
}

func name(c *actors.Conn) string { return c.Metadata().(string) }

// server is a server with the middleware, of which the clients are named by the
// path of their URL.
func server(t *testing.T, o Options) mw.Setting {
	t.Helper()
	m, err := ForServer(id, name, o)
	if err != nil {
		t.Fatal(err)
	}
	return mw.Setting{
		URL: "ws://dedup.test/ada", Server: []actors.Middleware{m},
		Metadata: func(r *transport.Request) any { return r.Path },
	}
}

func client(t *testing.T, key func(transport.Message) string, o Options) mw.Setting {
	t.Helper()
	m, err := ForClient(key, o)
	if err != nil {
		t.Fatal(err)
	}
	return mw.Setting{Client: []actors.Middleware{m}}
}

func arrived(w *mw.World, want ...string) {
	w.T.Helper()
	if got := w.Arrived(); !slices.Equal(got, want) {
		w.T.Errorf("%q arrived, want %q", got, want)
	}
}

func came(w *mw.World, want ...string) {
	w.T.Helper()
	if got := w.Came(); !slices.Equal(got, want) {
		w.T.Errorf("%q came, want %q", got, want)
	}
}

func TestAMessageThatComesAgainIsDropped(t *testing.T) {
	mw.In(t, server(t, Options{}), func(w *mw.World) {
		w.Send("#1 a", "#2 b", "#1 a", "#2 other", "no key", "no key", "#3")
		arrived(w, "#1 a", "#2 b", "no key", "no key", "#3")
	})
}

func TestKeysSurviveAReconnect(t *testing.T) {
	for where, s := range map[string]mw.Setting{"server": server(t, Options{}), "client": client(t, id, Options{})} {
		t.Run(where, func(t *testing.T) {
			mw.In(t, s, func(w *mw.World) {
				w.Send("#1", "#2")
				for range 3 {
					w.Cut()
					w.Send("#1", "#2")
				}
				w.Cut()
				w.Send("#3")
				came(w, "#1", "#2", "#3")
			})
		})
	}
}

func TestPeersDoNotShareTheirKeys(t *testing.T) {
	mw.In(t, server(t, Options{}), func(w *mw.World) {
		w.Send("#1 of ada")
		for _, c := range []struct{ url, text string }{
			{"ws://dedup.test/bob", "#1 of bob"},
			{"ws://dedup.test/ada", "#1 of ada on a second connection"},
		} {
			second := w.Dial(mw.Setting{URL: c.url})
			if _, err := second.SendText(c.text); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if err := second.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
		arrived(w, "#1 of ada", "#1 of bob")
	})
}

func TestAPeerWithoutANameHasNoDuplicates(t *testing.T) {
	m, err := ForServer(id, func(*actors.Conn) string { return "" }, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mw.In(t, mw.Setting{Server: []actors.Middleware{m}}, func(w *mw.World) {
		w.Send("#1", "#1")
		arrived(w, "#1", "#1")
	})
}

func TestAKeyIsForgottenAfterTheWindow(t *testing.T) {
	for window, again := range map[time.Duration]bool{0: true, time.Hour: false, -1: false} {
		mw.In(t, server(t, Options{Window: window}), func(w *mw.World) {
			w.Send("#1")
			time.Sleep(10*time.Minute - time.Second)
			w.Send("#1") // this does not begin the time anew
			arrived(w, "#1")
			time.Sleep(time.Second)
			w.Send("#1")
			if got := len(w.Arrived()) == 2; got != again {
				t.Errorf("window %v: came again: %v, want %v", window, got, again)
			}
		})
	}
}

func TestTheOldestKeyIsForgottenFirst(t *testing.T) {
	mw.In(t, server(t, Options{Keys: 2}), func(w *mw.World) {
		w.Send("#1", "#2", "#3", "#2", "#3", "#1", "#3", "#2")
		arrived(w, "#1", "#2", "#3", "#1", "#2") // #1 had gone for #3, and then #2 for #1
	})
}

func TestADuplicateCanBeAnsweredAgain(t *testing.T) {
	s := server(t, Options{Duplicate: func(_ *actors.Conn, m transport.Message) actors.Verdict {
		return actors.Reply(transport.Message{Kind: transport.Text, Payload: []byte("ack " + id(m))})
	}})
	mw.In(t, s, func(w *mw.World) {
		w.Send("#1 pay 5")
		w.Cut()
		w.Send("#1 pay 5")
		arrived(w, "#1 pay 5")
		came(w, "#1 pay 5", "ack #1")
	})
}

// What is acknowledged is handled once; what is not is handled again on another
// connection, and only there.
func TestWithDoneNothingIsLostThatWasNotAcknowledged(t *testing.T) {
	duplicate := func(_ *actors.Conn, m transport.Message) actors.Verdict {
		return actors.Reply(transport.Message{Kind: transport.Text, Payload: []byte("again " + id(m))})
	}
	t.Run("not acknowledged", func(t *testing.T) {
		s := server(t, Options{Done: id, Duplicate: duplicate})
		s.Mute = true
		mw.In(t, s, func(w *mw.World) {
			w.Send("#1", "#1")
			arrived(w, "#1") // it is being handled
			w.Cut()
			w.Send("#1", "#1")
			arrived(w, "#1", "#1") // perhaps it never was
			came(w)
		})
	})
	t.Run("acknowledged", func(t *testing.T) {
		mw.In(t, server(t, Options{Done: id, Duplicate: duplicate}), func(w *mw.World) {
			w.Send("#1") // the echo is the acknowledgement
			w.Send("#1")
			w.Cut()
			w.Send("#1")
			arrived(w, "#1")
			came(w, "#1", "again #1", "again #1")
		})
	})
}

func TestOutboundDuplicatesAreRejected(t *testing.T) {
	s := client(t, nil, Options{Outbound: id, Failed: after("failed")})
	mw.In(t, s, func(w *mw.World) {
		w.Send("#1", "#1", "x", "x", "#2")
		arrived(w, "#1", "x", "x", "#2")
		rejected := 0
		for _, o := range w.Outcomes() {
			if o.Result != actors.Dropped {
				continue
			}
			rejected++
			if o.Reason != actors.Rejected || !errors.Is(o.Err, ErrDuplicate) {
				t.Errorf("%+v, want a rejection as a duplicate", o)
			}
		}
		if rejected != 1 {
			t.Errorf("%d rejected, want 1", rejected)
		}
		w.Forget()
		w.Send("failed #1") // which the server sends back
		w.Send("#1", "#2")
		arrived(w, "failed #1", "#1")
		w.Forget()
		w.Cut() // nobody knows what has arrived of the old connection
		w.Send("#1", "#2", "#1")
		arrived(w, "#1", "#2")
	})
}

func TestConnectionsOfOnePeerHaveTheirOwnOutbound(t *testing.T) {
	mw.In(t, server(t, Options{Outbound: after("say")}), func(w *mw.World) {
		second := w.Dial(mw.Setting{URL: "ws://dedup.test/ada"})
		w.Send("say hello")
		if _, err := second.SendText("say hello"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.Send("say hello")
		came(w, "say hello", "say hello")
		if err := second.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// slow holds outbound messages up until it is let go, behind the dedup on the way
// to the socket.
type slow struct {
	gate *atomic.Pointer[chan struct{}]
}

func (s slow) OnReceive(*actors.Conn, transport.Message) actors.Verdict { return actors.Pass() }

func (s slow) OnSend(*actors.Conn, transport.Message) actors.Verdict {
	if gate := s.gate.Load(); gate != nil {
		<-*gate
	}
	return actors.Pass()
}

// A message that was with the middleware when the socket died goes through it
// again.
func TestAMessageWhoseSocketDiedIsNoDuplicateOfItself(t *testing.T) {
	s := client(t, nil, Options{Outbound: id})
	var held atomic.Pointer[chan struct{}]
	s.Client = append([]actors.Middleware{{Name: "slow", New: func() actors.Interceptor { return slow{&held} }}}, s.Client...)
	mw.In(t, s, func(w *mw.World) {
		gate := make(chan struct{})
		held.Store(&gate)
		w.Send("#1")
		arrived(w)
		links := w.Listener.Links()
		links[len(links)-1].Reset()
		synctest.Wait()
		held.Store(nil)
		close(gate)
		w.Ready()
		arrived(w, "#1")
		if b := w.Client.Books(); b.Written != 1 || b.DroppedAll() != 0 {
			t.Errorf("%v, want it written", b)
		}
	})
}

func TestBadOptionsAreRefused(t *testing.T) {
	none := func(key func(transport.Message) string, o Options) error {
		_, err := ForClient(key, o)
		return err
	}
	_, stranger := ForServer(id, nil, Options{})
	_, server := ForServer(id, name, Options{Peers: -1})
	for what, err := range map[string]error{
		"no key":               none(nil, Options{}),
		"done without key":     none(nil, Options{Outbound: id, Done: id}),
		"failed, not outbound": none(id, Options{Failed: id}),
		"keys":                 none(id, Options{Keys: -1}),
		"nobody":               stranger,
		"peers":                server,
	} {
		if !errors.As(err, new(*actors.OptionError)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestDedupConforms(t *testing.T) {
	var f *filter
	text := func(m transport.Message) string {
		if string(m.Payload) == mw.Boom {
			panic(mw.Boom)
		}
		return string(m.Payload)
	}
	client := func(*testing.T) actors.Middleware {
		f = newClient(text, Options{Outbound: text})
		return f.middleware()
	}
	// The server of the suite has a filter too: its peers are the connections.
	server := func(t *testing.T) actors.Middleware {
		f = newServer(text, func(c *actors.Conn) string { return c.RemoteAddr().String() }, Options{Outbound: text})
		m := f.middleware()
		m.New = func() actors.Interceptor { return (*listener)(f) }
		return m
	}
	left := func() (n int) {
		for range f.conns.Range {
			n++
		}
		if f.peers != nil {
			for _, p := range f.peers.all {
				n += p.users
			}
		}
		return n
	}
	t.Run("for one peer", func(t *testing.T) { mw.Conforms(t, mw.Subject{New: client, Broken: client, Left: left}) })
	t.Run("for many", func(t *testing.T) { mw.Conforms(t, mw.Subject{New: server, Broken: server, Left: left}) })
}
