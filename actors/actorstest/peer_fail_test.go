package actorstest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
)

func TestExpectationsFailWithWhatCameInstead(t *testing.T) {
	type conn = actorstest.PeerConn
	for name, c := range map[string]struct {
		client func(c *conn)
		server func(c *conn)
		says   []string
	}{
		"another text": {
			func(c *conn) { c.SendText("tick") },
			func(c *conn) { c.ExpectText("tock") },
			[]string{`connection 1: want text of 4 bytes "tock"; got text of 4 bytes "tick"`, "accepted /path", `<- text of 4 bytes "tick"`},
		},
		"text for binary": {
			func(c *conn) { c.SendText("tick") },
			func(c *conn) { c.ExpectBinary([]byte("tick")) },
			[]string{"want binary of 4 bytes [74 69 63 6b]", `got text`},
		},
		"nothing": {
			nil,
			func(c *conn) { c.ExpectText("tock") },
			[]string{"got nothing within 10s"},
		},
		"a close frame for a text": {
			func(c *conn) { c.Close(1001, "bye") },
			func(c *conn) { c.ExpectText("tock") },
			[]string{`got close 1001 (going away) "bye"`},
		},
		"the end for a text": {
			func(c *conn) { c.Cut() },
			func(c *conn) { c.ExpectText("tock") },
			[]string{"got the end of the connection: ", "reset"},
		},
		"other JSON": {
			func(c *conn) { c.SendText(`{"a":1}`) },
			func(c *conn) { c.ExpectJSON(map[string]int{"a": 2}) },
			[]string{`want text with the JSON {"a":2}`, `{\"a\":1}`},
		},
		"no JSON": {
			func(c *conn) { c.SendText("tick") },
			func(c *conn) { c.ExpectJSON(`{}`) },
			[]string{"JSON {}", "tick"},
		},
		"wanting no JSON": {
			nil,
			func(c *conn) { c.ExpectJSON("tock") },
			[]string{"what is wanted is no JSON", "tock"},
		},
		"JSON of another shape": {
			func(c *conn) { c.SendText(`{"ID":"x"}`) },
			func(c *conn) { c.ReadJSON(new(struct{ ID int })) },
			[]string{"ID", "cannot unmarshal"},
		},
		"no ping": {
			func(c *conn) { c.SendText("tick") },
			func(c *conn) { c.ExpectPing() },
			[]string{"want a ping; got nothing within 10s", "tick"},
		},
		"another pong": {
			nil,
			func(c *conn) { c.Ping("a"); c.ExpectPong("b") },
			[]string{`want a pong with "b"; got a pong with "a"`},
		},
		"another close code": {
			func(c *conn) { c.Close(1001, "") },
			func(c *conn) { c.ExpectClose(1000) },
			[]string{"want close 1000 (normal closure); got close 1001"},
		},
		"a text for a close frame": {
			func(c *conn) { c.SendText("tick") },
			func(c *conn) { c.ExpectClose(1000) },
			[]string{"want close 1000", "got text"},
		},
		"a close frame for the end": {
			func(c *conn) { c.Close(1000, "") },
			func(c *conn) { c.ExpectLost() },
			[]string{"want the end of the connection without a close frame; got close 1000"},
		},
		"a text for nothing": {
			func(c *conn) { time.AfterFunc(time.Second, func() { c.SendText("tick") }) },
			func(c *conn) { c.ExpectNothing(time.Minute) },
			[]string{"want nothing for 1m0s; got text of 4 bytes"},
		},
		"a text for nothing now": {
			func(c *conn) { go c.SendText("tick") },
			func(c *conn) { c.ExpectNothing(0) },
			[]string{"want nothing for 0s; got text of 4 bytes"},
		},
		"no answer to a close frame": {
			func(c *conn) { c.NoCloseReply(true) },
			func(c *conn) { c.Close(1000, "") },
			[]string{"want an answer to the close frame; got nothing within 10s"},
		},
		"no room": {
			func(c *conn) { c.StopReading() },
			func(c *conn) { c.SendBinary(make([]byte, 1<<20)) },
			[]string{"no room within 10s", "does not read"},
		},
		"a violation": {
			func(c *conn) { c.SendRaw([]byte{0x81, 1, 'x'}) },
			func(c *conn) { synctest.Wait() },
			[]string{"the program under test broke the protocol: frame from a client is not masked"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := bubble(t, func(t testing.TB) {
				server, client := pair(t)
				if c.client != nil {
					c.client(client)
				}
				c.server(server)
			})
			says(t, r.errors, c.says...)
		})
	}
}

// strictTB has a Fatalf that can be told from an Errorf.
type strictTB struct{ *recordTB }

func (r strictTB) Fatalf(format string, args ...any) {
	r.Errorf("FATAL "+format, args...)
	panic("fatal")
}

// Only the goroutine of a test may call Fatalf.
func TestExpectationFailsWithFatalfInTheGoroutineOfTheTestAlone(t *testing.T) {
	expect := func(r *recordTB) {
		server, client := pair(strictTB{r})
		client.SendText("tick")
		server.ExpectText("tock")
	}
	r := run(func(t testing.TB) { expect(t.(*recordTB)) })
	says(t, r.errors, "actorstest: connection 1")
	if strings.Contains(r.errors[0], "FATAL") {
		t.Errorf("another goroutine called Fatalf: %s", r.errors)
	}
	in := func(t *testing.T) {
		r := &recordTB{ctx: t.Context()}
		defer func() {
			if recover() == nil {
				t.Error("it went on")
			}
			says(t, r.errors, "FATAL actorstest: connection 1")
			r.cleanup()
		}()
		expect(r)
	}
	t.Run("real time", in)
	t.Run("in a bubble", func(t *testing.T) { synctest.Test(t, in) })
}

func TestJSONIsComparedByMeaning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			got  string
			want any
			same bool
		}{
			{`{"a":1,"b":[true,null,"x"]}`, ` { "b": [true, null, "x"], "a": 1 } `, true},
			{`{"a":1}`, map[string]any{"a": 1}, true},
			{`[1,2]`, []byte(`[1, 2]`), true},
			{`1.50`, 1.5, true},
			{`1e2`, `100`, true},
			{`12345678901234567890`, `12345678901234567891`, false},
			{`[1,2]`, `[2,1]`, false},
			{`[1]`, `[1,1]`, false},
			{`[1]`, `{}`, false},
			{`{"a":1}`, `{"a":1,"b":2}`, false},
			{`{"a":null}`, `{"b":null}`, false},
			{`{"a":1}`, `[1]`, false},
			{`"1"`, `1`, false},
			{`1`, `"1"`, false},
			{`null`, `false`, false},
			{`{}}`, `{}`, false},
		} {
			r := run(func(t testing.TB) {
				server, client := pair(t)
				client.SendText(c.got)
				server.ExpectJSON(c.want)
			})
			if (len(r.errors) == 0) != c.same {
				t.Errorf("%s and %s: %q, want the same %v", c.got, c.want, r.errors, c.same)
			}
		}
	})
}

func TestAcceptFailsWithTheAttempts(t *testing.T) {
	r := bubble(t, func(t testing.TB) {
		peer := actorstest.NewPeer(t)
		peer.Refuse(1)
		_, _ = peer.Dial(t.Context(), "", "")
		peer.Accept(time.Minute)
	})
	says(t, r.errors, "no connection within 1m0s", "attempt: refused")
}

func TestTimeoutCanBeSetForAPeerAndForOneConnection(t *testing.T) {
	r := bubble(t, func(t testing.TB) {
		server, _ := pair(t)
		server.SetTimeout(time.Hour)
		server.ExpectPing()
	})
	says(t, r.errors, "nothing within 1h0m0s")
	r = bubble(t, func(t testing.TB) {
		peer := actorstest.NewPeer(t)
		peer.SetTimeout(3 * time.Second)
		actorstest.DialPeer(t, peer.URL(), transport.Dialer{NetDial: peer.Dial})
		c := peer.Accept()
		c.SetTimeout(time.Hour)
		c.SetTimeout(0)
		done := make(chan struct{})
		go func() { defer close(done); c.ExpectPing() }()
		<-done
		peer.Accept()
	})
	if len(r.errors) != 2 || !strings.Contains(r.errors[0], "within 3s") || !strings.Contains(r.errors[1], "within 3s") {
		t.Errorf("got %q", r.errors)
	}
}

func TestExpectNoDialFailsAtOnce(t *testing.T) {
	r := bubble(t, func(t testing.TB) {
		peer := actorstest.NewPeer(t)
		time.AfterFunc(time.Second, func() { _, _ = peer.Dial(t.Context(), "", "") })
		peer.ExpectNoDial(time.Hour)
	})
	says(t, r.errors, "want no dial for 1h0m0s; got one")
}

func TestRequiredHeaderThatIsMissingFailsTheTest(t *testing.T) {
	r := bubble(t, func(t testing.TB) {
		peer := actorstest.NewPeer(t)
		peer.RequireHeader("X-Token", "old")
		peer.RequireHeader("x-token", "new")
		_, _, err := (&transport.Dialer{NetDial: peer.Dial, Header: map[string][]string{"X-Token": {"old"}}}).Dial(t.Context(), peer.URL())
		if !refusedWith(400, 0)(err) {
			t.Errorf("answered with %v", err)
		}
	})
	says(t, r.errors, "X-Token", `"new"`, `got ["old"]`)
}

func TestExpectationOfAScriptFailsTheTestAndEndsTheScript(t *testing.T) {
	r := bubble(t, func(t testing.TB) {
		peer := actorstest.NewPeer(t)
		peer.Serve(func(c *actorstest.PeerConn) {
			c.ExpectText("tock")
			t.Errorf("the script goes on")
		})
		actorstest.DialPeer(t, peer.URL(), transport.Dialer{NetDial: peer.Dial}).SendText("tick")
		synctest.Wait()
	})
	says(t, r.errors, `want text of 4 bytes "tock"; got text of 4 bytes "tick"`)
}

func TestScriptWhoseConnectionTheTestBreaksJustEnds(t *testing.T) {
	r := bubble(t, func(t testing.TB) {
		peer := actorstest.NewPeer(t)
		peer.Serve(func(c *actorstest.PeerConn) { c.ExpectText("tock") })
		actorstest.DialPeer(t, peer.URL(), transport.Dialer{NetDial: peer.Dial})
		peer.Accept().Cut()
		synctest.Wait()
	})
	if len(r.errors) > 0 {
		t.Errorf("errors: %q", r.errors)
	}
}

func TestSendingIntoTheVoidFailsOnlyTheTestItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := pair(t)
		client.Cut()
		server.ExpectLost()
		done := make(chan struct{})
		go func() {
			defer close(done)
			server.SendText("into the void")
			t.Error("it goes on")
		}()
		<-done
	})
}

func TestDialPeerThatIsRefusedFails(t *testing.T) {
	r := bubble(t, func(t testing.TB) {
		peer := actorstest.NewPeer(t)
		peer.Answer(403)
		actorstest.DialPeer(t, peer.URL(), transport.Dialer{NetDial: peer.Dial})
	})
	says(t, r.errors, "dial", "403")
}

func TestTranscriptIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := pair(t)
		for range 100 {
			client.SendText(strings.Repeat("x", 1000))
		}
		synctest.Wait()
		log := server.Transcript()
		if n := strings.Count(log, "\n\t"); n != 41 || len(log) > 41*200 {
			t.Errorf("%d lines, %d bytes", n, len(log))
		}
		says(t, []string{log}, "… 61 lines before")
	})
}
