package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// world is a chat in virtual time.
type world struct {
	t    *testing.T
	ln   *transporttest.Listener
	keys int
}

// inChat runs f in a bubble with a chat.
func inChat(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, err := newServer(actorstest.System(t))
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, ln: transporttest.NewListener()}
		served := make(chan error, 1)
		go func() { served <- server.Serve(w.ln) }()
		t.Cleanup(func() {
			if err := server.Close(context.Background()); err != nil {
				t.Error(err)
			}
			<-served
		})
		f(w)
	})
}

// page is a client that speaks as the page does.
type page struct {
	*actorstest.PeerConn
	t   *testing.T
	key string
}

// connect returns a page that has said nothing yet.
func (w *world) connect() *page {
	w.t.Helper()
	w.keys++
	c := actorstest.DialPeer(w.t, "ws://chat.test"+socketPath, transport.Dialer{NetDial: w.ln.Dial})
	return &page{PeerConn: c, t: w.t, key: fmt.Sprintf("key-of-page-%06d", w.keys)}
}

// send sends a message of a type.
func (p *page) send(typ string, content any) {
	p.t.Helper()
	payload, err := modules.JSON{}.Append(nil, modules.Header{Type: []byte(typ)}, content)
	if err != nil {
		p.t.Fatal(err)
	}
	p.SendText(string(payload))
}

// expect reads until a message of that type comes.
func expect[T any](p *page, typ string) (content T) {
	p.t.Helper()
	for {
		m, ok := p.Next()
		if !ok {
			p.t.Fatalf("the connection ended without a %q%s", typ, p.Transcript())
		}
		if h, err := (modules.JSON{}).Peek(m, modules.TypePart); err != nil || string(h.Type) != typ {
			continue
		}
		if err := json.Unmarshal(m.Payload, &content); err != nil {
			p.t.Fatal(err)
		}
		return content
	}
}

// join enters a room and returns the welcome.
func (p *page) join(name, room string) welcome {
	p.t.Helper()
	p.send(typeJoin, join{Name: name, Room: room, Key: p.key})
	return expect[welcome](p, typeWelcome)
}

// enter is connect and join.
func (w *world) enter(name, room string) *page {
	w.t.Helper()
	p := w.connect()
	p.join(name, room)
	return p
}

// lineID is the id of a line, as a page makes it.
func lineID(n int) string { return fmt.Sprintf("line-%015d", n) }

// say says a line. Its text is its number, in words of the tests.
func (p *page) say(n int) { p.t.Helper(); p.send(typeSay, say{ID: lineID(n), Text: strconv.Itoa(n)}) }

// hears reads lines until one has that text, and returns all their texts.
func (p *page) hears(last int) (texts []string) {
	p.t.Helper()
	for len(texts) == 0 || texts[len(texts)-1] != strconv.Itoa(last) {
		texts = append(texts, expect[said](p, typeSaid).Text)
	}
	return texts
}
