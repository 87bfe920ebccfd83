//go:build linux

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// scripted serves the page, and does on its socket what a test says.
type scripted struct {
	t    testing.TB
	url  string
	came chan visit
}

// visit is a message of the page.
type visit struct {
	conn *actors.Conn
	typ  string
	join join
	say  say
}

func newScripted(t testing.TB) *scripted {
	t.Helper()
	s := &scripted{t: t, came: make(chan visit, 16)}
	server, err := actors.NewServer(actorstest.System(t), actors.ServerOptions{Modules: []actors.Module{
		modules.Func("script", func(c *modules.Ctx, m transport.Message) error {
			v := visit{conn: c.Conn(), typ: c.Type()}
			_ = c.Codec().Decode(m, &v.join)
			_ = c.Codec().Decode(m, &v.say)
			s.came <- v
			return nil
		}, modules.With(func(m *actors.Module) { m.Path = "/socket" })),
	}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", servePage)
	mux.Handle("/socket", server)
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		web.Close()
		_ = server.Close(context.Background())
	})
	s.url = web.URL
	return s
}

// expect returns the next message of the page, which must be of that type.
func (s *scripted) expect(typ string) visit {
	s.t.Helper()
	select {
	case v := <-s.came:
		if v.typ != typ {
			s.t.Fatalf("the page sent a %q, want a %q", v.typ, typ)
		}
		return v
	case <-time.After(patience):
		s.t.Fatalf("the page sent no %q", typ)
	}
	panic("unreachable")
}

// admit answers the next join: the page is in a room with these people.
func (s *scripted) admit(people ...person) visit {
	s.t.Helper()
	v := s.expect(typeJoin)
	v.send(s.t, typeWelcome, welcome{Room: v.join.Room, Name: v.join.Name, Run: "the first", Lines: []said{}})
	v.send(s.t, typePresence, presence{All: true, Joined: append([]person{{ID: "ada", Name: "Ada"}}, people...)})
	return v
}

// send sends a message to the page.
func (v visit) send(t testing.TB, typ string, content any) {
	t.Helper()
	payload, err := modules.JSON{}.Append(nil, modules.Header{Type: []byte(typ)}, content)
	if err == nil {
		_, err = v.conn.Send(transport.Text, payload)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The line may have arrived, or not: the page cannot know. It sends it again, and
// shows it once, however often it comes back.
func lineIsSentAgainAndShownOnce(t *testing.T, b *browser) {
	s := newScripted(t)
	ada := b.open(t, "Ada", s.url+"/?name=Ada&room=dock")
	first := s.admit()
	ada.until(state("joined"))
	ada.say("once")
	line := s.expect(typeSay)
	first.conn.Close(transport.ServiceRestart, "")

	again := s.admit()
	if again.join.Run != "the first" || again.join.Key != first.join.Key {
		t.Errorf("it came back with run %q and key %q, want those of before", again.join.Run, again.join.Key)
	}
	resent := s.expect(typeSay)
	if resent.say != line.say {
		t.Errorf("it sent %+v and then %+v, want the same", line.say, resent.say)
	}
	for seq := range uint64(3) { // a server that has forgotten the line gives it a number again
		again.send(t, typeSaid, said{Seq: seq + 1, ID: line.say.ID, Name: "Ada", At: 1, Text: "once"})
	}
	again.send(t, typeSaid, said{Seq: 4, ID: "another", Name: "Ada", At: 1, Text: "behind it"})
	ada.until(shown("behind it"))
	if n := ada.count("once"); n != 1 {
		t.Errorf("the line is shown %d times", n)
	}
	ada.say("the next")
	s.expect(typeSay) // what was confirmed is not sent a third time
	again.conn.Close(transport.GoingAway, "")
	if third := s.expect(typeJoin); third.join.Since != 4 {
		t.Errorf("it has seen 4 lines, and asks for those since %d", third.join.Since)
	}
}

func endsByTheCode(t *testing.T, b *browser) {
	s := newScripted(t)
	ada := b.open(t, "Ada", s.url+"/?name=Ada&room=dock")
	v := s.admit()
	for _, c := range []struct {
		code  transport.CloseCode
		words string
		back  bool
	}{
		{transport.ServiceRestart, "", true},
		{transport.PolicyViolation, "you said too much at once", false}, // what comes behind it begins with a short wait
		{transport.GoingAway, "", true},
		{transport.ProtocolFailure, "", false},
		{transport.TryAgainLater, "too slow", true},
		{transport.MessageTooBig, "", false},
		{transport.InternalError, "", true},
		{codeReplaced, wordsReplaced, false},
	} {
		ada.until(state("joined"))
		v.conn.Close(c.code, c.words)
		if !c.back {
			ada.until(state("ended"))
			words := c.words
			if words == "" {
				words = "The server ended the connection (" + strconv.Itoa(int(c.code)) + ")."
			}
			if got := get[string](ada, `document.getElementById("lost").innerText`); got != words {
				t.Errorf("%d: it says %q, want %q", c.code, got, words)
			}
			ada.click("again")
		}
		v = s.admit()
	}
}

func waitsLongerAndLonger(t *testing.T, b *browser) {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", servePage)
	web := httptest.NewServer(mux) // without a socket: 404
	defer web.Close()
	ada := b.open(t, "Ada", web.URL+"/?name=Ada&room=dock", `
		const wait = setTimeout;
		window.waits = [];
		setTimeout = (f, ms) => { if (ms < 10000) waits.push(ms); return wait(f, ms / 50); };
		Math.random = () => 0.5;`)
	ada.until(`waits.length >= 7`)
	want := []float64{250, 500, 1000, 2000, 4000, 5000, 5000}
	if got := get[[]float64](ada, "waits.slice(0, 7)"); !slices.Equal(got, want) {
		t.Errorf("with a die that always says one half it waits %v, want %v", got, want)
	}
	if got := get[string](ada, `document.getElementById("lost").innerText`); got != "The server cannot be reached. The page keeps trying." {
		t.Errorf("it says %q", got)
	}
}

// fasterClock makes the times of the page a tenth of what they are.
const fasterClock = `
	const wait = setTimeout, repeat = setInterval;
	setTimeout = (f, ms) => wait(f, ms / 10);
	setInterval = (f, ms, ...args) => repeat(f, ms / 10, ...args);`

func silentServerIsGivenUp(t *testing.T, b *browser) {
	s := newScripted(t)
	ada := b.open(t, "Ada", s.url+"/?name=Ada&room=dock", fasterClock)
	s.expect(typeJoin) // and no answer
	s.admit()
	ada.until(state("joined"))
	s.expect(typeBeat) // and no answer
	s.admit()
	ada.until(state("joined"))
}

func whoComesBackHasNotLeft(t *testing.T, b *browser) {
	s := newScripted(t)
	grace, linus := person{ID: "grace", Name: "Grace"}, person{ID: "linus", Name: "Linus"}
	ada := b.open(t, "Ada", s.url+"/?name=Ada&room=dock", fasterClock)
	first := s.admit(grace, linus)
	ada.until(here("Ada", "Grace", "Linus"))
	first.conn.Close(transport.ServiceRestart, "")
	again := s.admit()
	again.send(t, typePresence, presence{Joined: []person{grace}, Left: []person{}})
	ada.until(noted("Linus has left"))
	if got := get[[]string](ada, `[...document.querySelectorAll(".note:not(.gap)")].map((e) => e.textContent)`); !slices.Equal(got, []string{"Linus has left"}) {
		t.Errorf("it says %q", got)
	}
	ada.until(here("Ada", "Grace"))
}
