package middlewaretest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Boom is the text at which the functions of a Subject's Broken panic.
const Boom = "boom"

// Subject is a middleware to be checked.
type Subject struct {
	// New makes one, set so wide that nothing is to be kept from passing.
	New func(t *testing.T) actors.Middleware
	// Broken is New with user functions that panic at the message Boom, or for which
	// something else panics there. Nil if there are none.
	Broken func(t *testing.T) actors.Middleware
	// Left reports what the middleware that was made last still holds for
	// connections that have ended; 0 if it holds nothing by design.
	Left func() int
}

// Conforms checks what every built-in middleware must show, on a client and on a
// server.
func Conforms(t *testing.T, s Subject) {
	for _, where := range []struct {
		name string
		at   func(actors.Middleware) Setting
	}{
		{"client", func(m actors.Middleware) Setting { return Setting{Client: []actors.Middleware{m}} }},
		{"server", func(m actors.Middleware) Setting { return Setting{Server: []actors.Middleware{m}} }},
	} {
		check := func(name string, make func(*testing.T) actors.Middleware, f func(w *World)) {
			t.Run(where.name+"/"+name, func(t *testing.T) {
				setting := where.at(make(t))
				setting.Errors = strings.Contains(name, "panics")
				In(t, setting, f)
				if n := s.Left(); n != 0 {
					t.Errorf("%d things are left of connections that have ended", n)
				}
			})
		}
		check("every message passes as it is", s.New, passes)
		check("10000 messages keep their order", s.New, keepsOrder)
		check("many connections at once", s.New, serves)
		check("survives reconnects", s.New, survives)
		if s.Broken != nil {
			check("panics harm nobody else", s.Broken, withstands)
		}
	}
}

func passes(w *World) {
	sent := []transport.Message{
		{Kind: transport.Text, Payload: []byte("grüße, 世界")},
		{Kind: transport.Binary, Payload: []byte{0, 0xff, 0xfe}},
		{Kind: transport.Text, Payload: []byte{}},
		{Kind: transport.Binary, Payload: []byte{}},
		{Kind: transport.Binary, Payload: bytes.Repeat([]byte("x"), transport.DefaultServerMaxMessage)},
	}
	for _, m := range sent {
		if _, err := w.Client.Send(m.Kind, m.Payload); err != nil {
			w.T.Fatal(err)
		}
	}
	synctest.Wait()
	for way, got := range map[string][]transport.Message{"arrived": w.arrived, "came back": w.came} {
		same := func(a, b transport.Message) bool { return a.Kind == b.Kind && bytes.Equal(a.Payload, b.Payload) }
		if !slices.EqualFunc(got, sent, same) {
			w.T.Errorf("%d of %d messages %s, or not as they were sent", len(got), len(sent), way)
		}
	}
}

// numbered are n texts, each with a name of its own.
func numbered(of string, n int) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprintf("%s %d", of, i))
	}
	return texts
}

func keepsOrder(w *World) {
	sent := numbered("m", 10_000)
	w.Send(sent...)
	w.expect(sent, sent)
	if b := w.Client.Books(); b.Written != uint64(len(sent)) {
		w.T.Errorf("%v, want all written", b)
	}
}

func (w *World) expect(arrived, came []string) {
	w.T.Helper()
	if got := w.Arrived(); !slices.Equal(got, arrived) {
		w.T.Errorf("%d messages arrived, want %d in order: %.300q", len(got), len(arrived), got)
	}
	if got := w.Came(); !slices.Equal(got, came) {
		w.T.Errorf("%d messages came back, want %d in order: %.300q", len(got), len(came), got)
	}
}

// serves has eight more clients send at once; each keeps its order.
func serves(w *World) {
	const clients, each = 8, 300
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			c := w.Dial(Setting{})
			for _, text := range numbered(fmt.Sprint("client ", i), each) {
				if _, err := c.SendText(text); err != nil {
					w.T.Error(err)
				}
			}
			<-time.After(time.Minute)
			if err := c.Close(context.Background()); err != nil {
				w.T.Error(err)
			}
		})
	}
	all.Wait()
	synctest.Wait()
	next := map[string]int{}
	for _, text := range w.Came() {
		var client, n int
		if _, err := fmt.Sscanf(text, "client %d %d", &client, &n); err != nil || next[fmt.Sprint(client)] != n {
			w.T.Fatalf("%q came out of order: %v", text, err)
		}
		next[fmt.Sprint(client)]++
	}
	if n := len(w.Came()); n != clients*each {
		w.T.Errorf("%d of %d messages came back", n, clients*each)
	}
}

func survives(w *World) {
	var sent []string
	for i := range 20 {
		texts := numbered(fmt.Sprint("epoch ", i), 50)
		w.Send(texts...)
		sent = append(sent, texts...)
		w.Cut()
	}
	w.expect(sent, sent)
}

// withstands sends Boom amid others; nobody else is lost, and no connection.
func withstands(w *World) {
	var sent []string
	for i := range 20 {
		texts := numbered(fmt.Sprint("part ", i), 20)
		w.Send(append(texts, Boom)...)
		sent = append(sent, texts...)
		<-time.After(time.Minute) // an actor that panics too often is given up
	}
	synctest.Wait()
	other := func(text string) bool { return text == Boom }
	arrived, came := slices.DeleteFunc(w.Arrived(), other), slices.DeleteFunc(w.Came(), other)
	if !slices.Equal(arrived, sent) || !slices.Equal(came, sent) {
		w.T.Errorf("%d messages arrived and %d came back, want all %d in order", len(arrived), len(came), len(sent))
	}
	if n := w.Listener.Dials(); n != 1 {
		w.T.Errorf("the connection was touched: %d dials", n)
	}
}
