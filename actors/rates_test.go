package actors

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// repeat is n frames alike.
func repeat(n int, x piece) []piece { return slices.Repeat([]piece{x}, n) }

// replies are n frames that must come.
func replies(n int, s string) []string { return slices.Repeat([]string{s}, n) }

func TestWhoExceedsARateGetsTheRepliesToWhatWasWithinIt(t *testing.T) {
	one, big := piece{head: text, body: "x"}, piece{head: text, body: strings.Repeat(".", 300)}
	pinged := piece{head: ping, body: "p"}
	for name, c := range map[string]struct {
		rates Rates
		sent  []piece
		want  []string // without the close frame
		of    string
	}{
		"messages":        {Rates{Messages: 10, MessageBurst: 30}, repeat(100, one), replies(30, "text x"), "messages"},
		"one second's":    {Rates{Messages: 10}, repeat(11, one), replies(10, "text x"), "messages"},
		"empty messages":  {Rates{Messages: 10}, repeat(100, piece{head: text}), replies(10, "text"), "messages"},
		"fragments":       {Rates{Messages: 2}, slices.Concat(split("abcdef", 3), split("ghijkl", 3), split("mnopqr", 3)), []string{"text abcdef", "text ghijkl"}, "messages"},
		"bytes":           {Rates{Bytes: 100, ByteBurst: 1000}, repeat(10, big), replies(3, show(1, big.body)), "bytes"},
		"a large message": {Rates{Bytes: 100}, slices.Concat(repeat(1, big), repeat(1, one)), replies(1, show(1, big.body)), "bytes"},
		"of a key":        {Rates{KeyMessages: 5, KeyMessageBurst: 7}, repeat(9, one), replies(7, "text x"), "messages"},
		"key and own":     {Rates{Messages: 5, KeyMessages: 9}, repeat(9, one), replies(5, "text x"), "messages"},
		"own and key":     {Rates{Messages: 9, KeyMessages: 5}, repeat(9, one), replies(5, "text x"), "messages"},
		"pings":           {Rates{Controls: 1, ControlBurst: 6}, repeat(7, pinged), replies(7, "pong p"), "pings and pongs"},
		"pongs":           {Rates{Controls: 5}, repeat(6, piece{head: pong}), nil, "pings and pongs"},
		"then its end":    {Rates{Messages: 1}, []piece{one, one, {head: bye, body: closeBody(1000, "")}}, replies(1, "text x"), "messages"},
		"then nonsense":   {Rates{Messages: 1}, []piece{one, one, {head: 0xff}}, replies(1, "text x"), "messages"},
	} {
		for _, way := range []string{"at once", "one by one"} {
			t.Run(name+", "+way, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}, Rates: c.rates})
					p := w.meet("/")
					if way == "at once" {
						p.write(c.sent...)
					} else {
						for _, x := range c.sent {
							p.write(x)
							synctest.Wait()
						}
					}
					got := w.received
					p.partsWith(append(slices.Clone(c.want), "close 1008 too many "+c.of)...)
					if c.of != "pings and pongs" && len(got()) != len(c.want) {
						t.Errorf("%d messages reached the handler, want %d", len(got()), len(c.want))
					}
					w.connections(0)
					w.end()
				})
			})
		}
	}
}

func TestWhoStaysWithinTheRatesIsLeftAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Rates: Rates{
			Messages: 10, MessageBurst: 5, Bytes: 1000, ByteBurst: 500,
			Controls: 10, ControlBurst: 2, KeyMessages: 10, KeyMessageBurst: 5,
		}})
		p := w.meet("/")
		body := strings.Repeat(".", 100)
		for range 300 {
			p.write(piece{head: ping}, piece{head: text, body: body})
			p.expect("pong", "text "+body)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Second)
		p.write(repeat(5, piece{head: text, body: body})...)
		p.expect(replies(5, "text "+body)...)
		p.leave()
		w.end()
	})
}

// Of the pings that come at once only the latest are answered, but all of them count.
func TestPingsThatAreNotAnsweredCount(t *testing.T) {
	for _, kind := range []byte{ping, pong} {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}})
			p := w.meet("/")
			p.write(repeat(200, piece{head: kind})...)
			p.text("within")
			got := p.next()
			for ; got == "pong"; got = p.next() {
			}
			if got != "text within" {
				t.Errorf("behind 200 of them: %q", got)
			}
			time.Sleep(time.Second) // 50 more may come
			p.write(repeat(51, piece{head: kind})...)
			for got = p.next(); got == "pong"; got = p.next() {
			}
			if got != "close 1008 too many pings and pongs" {
				t.Errorf("behind 51 more: %q", got)
			}
			w.end()
		})
	}
}

func TestControlFramesMayBeWithoutLimit(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Rates: Rates{Controls: -1}})
		p := w.meet("/")
		for range 20 {
			p.write(repeat(100, piece{head: pong})...)
		}
		p.text("good")
		p.expect("text good")
		p.leave()
		w.end()
	})
}

func TestTheConnectionsOfAKeyShareItsRate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Authenticate: byName, Rates: Rates{KeyMessages: 10, KeyMessageBurst: 100}})
		var all sync.WaitGroup
		var mu sync.Mutex
		echoes, cut := 0, 0
		for range 10 {
			p := w.comes("1.1.1.1:1", called("ann"))
			all.Go(func() {
				p.write(repeat(20, piece{head: text, body: "x"})...)
				for n := range 20 {
					if got := p.next(); got == "close 1008 too many messages" {
						p.write(piece{head: bye, body: closeBody(1008, "")})
						p.expect("EOF")
						mu.Lock()
						cut++
						mu.Unlock()
						return
					} else if got != "text x" {
						t.Errorf("%d: %q", n, got)
					}
					mu.Lock()
					echoes++
					mu.Unlock()
				}
			})
		}
		other := w.comes("1.1.1.1:1", called("bob"))
		other.text("another key")
		other.expect("text another key")
		all.Wait()
		if echoes != 100 || cut < 5 {
			t.Errorf("%d messages got through, want 100; %d were cut", echoes, cut)
		}
		again := w.comes("2.2.2.2:2", called("ann"))
		again.text("a new connection")
		again.partsWith("close 1008 too many messages")
		w.end()
	})
}

func TestANewConnectionOfAKeyHasNoFreshBucket(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Authenticate: byName, Rates: Rates{KeyMessages: 1, KeyMessageBurst: 3}})
		p := w.comes("1.1.1.1:1", called("ann"))
		p.write(repeat(3, piece{head: text, body: "x"})...)
		p.expect(replies(3, "text x")...)
		p.leave()
		w.connections(0)
		p = w.comes("2.2.2.2:2", called("ann"))
		p.text("y")
		p.partsWith("close 1008 too many messages")
		time.Sleep(2 * time.Second)
		p = w.comes("2.2.2.2:2", called("ann"))
		p.write(repeat(3, piece{head: text, body: "x"})...)
		p.partsWith("text x", "text x", "close 1008 too many messages")
		time.Sleep(10 * time.Second)
		w.server.s.admission.vacant(t)
		w.end()
	})
}

func TestWhatComesBehindAnExcessIsNotHandledButCounted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Rates: Rates{Messages: 5}, CloseTimeout: 3 * time.Second})
		p := w.meet("/")
		p.write(repeat(20, piece{head: text, body: "x"})...)
		synctest.Wait()
		more := piece{head: text, body: "x"}.bytes(true)
		for range 60 { // it does not stop
			_, _ = p.nc.Write(more)
			time.Sleep(100 * time.Millisecond)
		}
		w.connections(0)
		if got := w.received(); len(got) != 5 {
			t.Errorf("%d were handled", len(got))
		}
		if st := w.server.Stats(); st.MessagesReceived != 20 || st.Discarded != 15 || st.BytesReceived != 20 {
			t.Errorf("%d messages came with %d bytes, %d were discarded", st.MessagesReceived, st.BytesReceived, st.Discarded)
		}
		p.expect(append(replies(5, "text x"), "close 1008 too many messages")...)
		w.end()
	})
}

func TestRepliesThatTakeTheirTimeLeaveBeforeTheEndOfWhoSentTooMuch(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m := module("slow", "", func(ctx *Context, m transport.Message) {
			time.Sleep(time.Second)
			_, _ = ctx.Echo(m)
		})
		m.Async = true
		w.serve(ServerOptions{Rates: Rates{Messages: 3}, Modules: []Module{m}})
		p := w.meet("/")
		p.write(repeat(10, piece{head: text, body: "x"})...)
		p.partsWith("text x", "text x", "text x", "close 1008 too many messages")
		w.end()
	})
}

// A peer that sends pings and never reads costs what its rate allows, and is cut.
func TestAFloodOfPingsThatNobodyReadsTheAnswersOfEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{CloseTimeout: 2 * time.Second, Heartbeat: Heartbeat{Interval: -1}})
		p := w.meet("/")
		w.link().Stall(transporttest.ToClient)
		start := time.Now()
		flood := []byte{}
		for range 1000 {
			flood = append(flood, piece{head: ping, body: strings.Repeat("p", 100)}.bytes(true)...)
		}
		_ = p.nc.SetWriteDeadline(time.Now().Add(time.Minute))
		for range 30 {
			if _, err := p.nc.Write(flood); err != nil {
				break
			}
		}
		synctest.Wait()
		time.Sleep(3 * time.Second)
		w.connections(0)
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("it ended after %v", took)
		}
		w.end()
	})
}

func TestEachConnectionHasBucketsOfItsOwn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Rates: Rates{Messages: 1, MessageBurst: 5, Bytes: 1, ByteBurst: 4}})
		var peers []*peer
		for range 3 {
			peers = append(peers, w.meet("/"))
		}
		for i := range 4 {
			for _, p := range peers {
				p.text(fmt.Sprint(i))
				p.expect("text " + fmt.Sprint(i))
			}
		}
		peers[0].text("5")
		peers[0].partsWith("close 1008 too many bytes")
		peers[1].leave()
		peers[2].leave()
		w.end()
	})
}
