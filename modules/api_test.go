package modules_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/modules/modulestest"
	"github.com/hawser-go/hawser/transport"
)

// Question and Answer are what the API tests ask and get.
type (
	Question struct {
		N int `json:"n"`
	}
	Answer struct {
		N int `json:"n"`
	}
)

type squares = modules.API[Question, Answer]

func newSquares(o modules.APIOptions) *squares {
	return modules.NewAPI[Question, Answer]("square", o)
}

// question is a request as the peer reads it.
type question struct {
	Type string      `json:"type"`
	ID   json.Number `json:"id"`
	N    int         `json:"n"`
}

func parsed(m transport.Message) (q question) {
	if err := json.Unmarshal(m.Payload, &q); err != nil {
		panic(err)
	}
	return q
}

// answered sends the answer to a question.
func answered(c *actors.Conn, q question) {
	_, _ = c.Send(transport.Text, fmt.Appendf(nil, `{"type":"square","id":"%s","n":%d}`, q.ID, q.N*q.N))
}

// asked calls in the background.
func asked(a *squares, ctx context.Context, n int) <-chan error {
	done := make(chan error, 1)
	go func() {
		got, err := a.Call(ctx, Question{n})
		if err == nil && got.N != n*n {
			err = fmt.Errorf("asked %d, got %d", n, got.N)
		}
		done <- err
	}()
	return done
}

func inAPI(t *testing.T, o modules.APIOptions, f func(w *world, a *squares)) {
	t.Helper()
	a := newSquares(o)
	inWorld(t, with(a.Module()), func(w *world) { f(w, a) })
}

func TestACallGetsItsAnswer(t *testing.T) {
	inAPI(t, modules.APIOptions{}, func(w *world, a *squares) {
		w.answer(func(c *actors.Conn, m transport.Message) { answered(c, parsed(m)) })
		for n := range 10 {
			if err := <-asked(a, context.Background(), n); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := a.Stats(), (modules.APIStats{Calls: 10, Answered: 10}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
	})
}

func TestAnswersGoToWhoeverAskedInWhateverOrder(t *testing.T) {
	inAPI(t, modules.APIOptions{}, func(w *world, a *squares) {
		var held []question
		w.answer(func(c *actors.Conn, m transport.Message) {
			if held = append(held, parsed(m)); len(held) == 10 {
				for i := range held {
					answered(c, held[9-i])
				}
			}
		})
		var calls []<-chan error
		for n := range 10 {
			calls = append(calls, asked(a, context.Background(), n))
		}
		for _, c := range calls {
			if err := <-c; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestACallFailsAsItShould(t *testing.T) {
	inAPI(t, modules.APIOptions{
		MaxCalls: 2, Refusal: "refused",
		Error: func(_ modules.Codec, m transport.Message) error {
			if strings.Contains(string(m.Payload), `"code":5`) {
				return errCode
			}
			if strings.Contains(string(m.Payload), `"code":6`) {
				panic("no such code")
			}
			return nil
		},
	}, func(w *world, a *squares) {
		reply := func(format string) {
			w.answer(func(c *actors.Conn, m transport.Message) {
				_, _ = c.Send(transport.Text, fmt.Appendf(nil, format, parsed(m).ID))
			})
		}
		for _, c := range []struct {
			reply string
			ok    func(error) bool
		}{
			{`{"type":"square","id":"%s","error":"too large"}`, isPeer("too large")},
			{`{"type":"square","id":"%s","error":{"code":7}}`, isPeer(`{"code":7}`)},
			{`{"type":"square","id":%s,"error":"number"}`, isPeer("number")},
			{`{"type":"refused","id":"%s","error":"why"}`, isPeer("why")},
			{`{"type":"refused","id":"%s"}`, isPeer("no reason given")},
			{`{"type":"square","id":"%s","error":null,"n":1}`, func(err error) bool { return err != nil && strings.Contains(err.Error(), "asked 3") }},
			{`{"type":"square","id":"%s","code":5}`, func(err error) bool { return errors.Is(err, errCode) }},
			{`{"type":"square","id":"%s","code":6}`, isA[*modules.PanicError]},
			{`{"type":"square","id":"%s","n":"x"}`, isA[*modules.CodecError]},
		} {
			reply(c.reply)
			if err := <-asked(a, context.Background(), 3); !c.ok(err) {
				t.Errorf("%s: %v", c.reply, err)
			}
		}
		w.answer(nil)
		began := time.Now()
		if err := <-asked(a, context.Background(), 3); !errors.Is(err, modules.ErrNoReply) || time.Since(began) != 10*time.Second {
			t.Errorf("without an answer: %v after %s", err, time.Since(began))
		}
		ctx, cancel := context.WithCancel(context.Background())
		calls := []<-chan error{asked(a, ctx, 1), asked(a, ctx, 2)}
		synctest.Wait()
		if err := <-asked(a, ctx, 3); !errors.Is(err, modules.ErrTooManyCalls) {
			t.Errorf("one too many: %v", err)
		}
		cancel()
		for _, c := range calls {
			if err := <-c; !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		}
		if err := <-asked(a, ctx, 3); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that is over: %v", err)
		}
		want := modules.APIStats{Calls: 12, Answered: 1, Failed: 8, GivenUp: 3, Refused: 1, Undecoded: 1}
		if got := a.Stats(); got != want {
			t.Errorf("stats\n%+v, want\n%+v", got, want)
		}
	})
}

var errCode = errors.New("code 5")

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func isPeer(text string) func(error) bool {
	return func(err error) bool {
		var e *modules.PeerError
		return errors.As(err, &e) && e.Text == text
	}
}

func TestLateAndDoubleRepliesAreCountedAndDropped(t *testing.T) {
	inAPI(t, modules.APIOptions{Timeout: time.Second}, func(w *world, a *squares) {
		w.answer(func(c *actors.Conn, m transport.Message) {
			answered(c, parsed(m))
			answered(c, parsed(m))
		})
		if err := <-asked(a, context.Background(), 5); err != nil {
			t.Error(err)
		}
		w.answer(func(c *actors.Conn, m transport.Message) {
			time.AfterFunc(2*time.Second, func() { answered(c, parsed(m)) })
		})
		var q question
		w.answer(func(c *actors.Conn, m transport.Message) {
			q = parsed(m)
			time.AfterFunc(2*time.Second, func() { answered(c, q) })
		})
		if err := <-asked(a, context.Background(), 6); !errors.Is(err, modules.ErrNoReply) {
			t.Error(err)
		}
		pass(5 * time.Second)
		if got, want := a.Stats(), (modules.APIStats{Calls: 2, Answered: 1, GivenUp: 1, Late: 2}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		w.says(`{"type":"square","id":"1","n":4}`, `{"type":"square","id":"x"}`, `{"type":"square","n":4}`)
		if want := "{\"type\":\"square\",\"id\":\"1\",\"n\":4}\n{\"type\":\"square\",\"id\":\"x\"}\n{\"type\":\"square\",\"n\":4}"; w.unrouted() != want {
			t.Errorf("unrouted: %s; what is nobody's reply must not be this API's", w.unrouted())
		}
	})
}

func TestCallsFailAtOnceWhenTheConnectionIsLost(t *testing.T) {
	inAPI(t, modules.APIOptions{}, func(w *world, a *squares) {
		call := asked(a, context.Background(), 1)
		synctest.Wait()
		w.listener.Refuse(true)
		began := time.Now()
		w.cut()
		err := <-call
		var lost *transport.ReadError
		if !errors.Is(err, modules.ErrDisconnected) || !errors.As(err, &lost) || time.Since(began) > 0 {
			t.Errorf("got %v after %s, want ErrDisconnected with the cause at once", err, time.Since(began))
		}
		if err := <-asked(a, context.Background(), 1); !errors.Is(err, modules.ErrNotReady) || !errors.As(err, &lost) || time.Since(began) > 0 {
			t.Errorf("while down: %v after %s, want ErrNotReady with the cause at once", err, time.Since(began))
		}
		pass(time.Minute)
		if err := <-asked(a, context.Background(), 1); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("while dialling fails: %v, want that cause", err)
		}
		if err := w.client.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := <-asked(a, context.Background(), 1); !errors.Is(err, modules.ErrNotReady) || !errors.Is(err, actors.ErrStopped) {
			t.Errorf("after the end: %v, want ErrNotReady and ErrStopped", err)
		}
	})
}

func TestWaitReadyWaitsForAConnectionButNoLongerThanTheCallMay(t *testing.T) {
	a := newSquares(modules.APIOptions{WaitReady: true})
	synctest.Test(t, func(t *testing.T) {
		early := asked(a, context.Background(), 3) // there is no client yet
		w := newWorld(t, nil)
		w.answer(func(c *actors.Conn, m transport.Message) { answered(c, parsed(m)) })
		w.dial(with(a.Module()))
		if err := <-early; err != nil {
			t.Errorf("the early one: %v", err)
		}
		w.listener.Refuse(true)
		w.cut()
		synctest.Wait()
		began := time.Now()
		if err := <-asked(a, context.Background(), 4); !errors.Is(err, modules.ErrNotReady) || !errors.Is(err, modules.ErrNoReply) || time.Since(began) != 10*time.Second {
			t.Errorf("in vain: %v after %s", err, time.Since(began))
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancelled, stopped := asked(a, ctx, 4), asked(a, context.Background(), 4)
		synctest.Wait()
		cancel()
		if err := <-cancelled; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		w.close()
		if err := <-stopped; !errors.Is(err, actors.ErrStopped) {
			t.Errorf("when the client stops: %v", err)
		}
		if got := a.Stats(); got.Refused != 3 || got.Answered != 1 || got.Pending != 0 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestAnAPIServesOneClientAtATime(t *testing.T) {
	a := newSquares(modules.APIOptions{})
	inWorld(t, with(a.Module()), func(w *world) {
		w.answer(func(c *actors.Conn, m transport.Message) { answered(c, parsed(m)) })
		second, err := actors.Dial(context.Background(), w.system, "ws://modules.test/", actors.ClientOptions{NetDial: w.listener.Dial, Modules: []actors.Module{a.Module()}})
		if err != nil {
			t.Fatal(err)
		}
		err = second.WaitStopped(context.Background())
		if !isA[*modules.BindError](err) {
			t.Errorf("the second client ended with %v, want a *BindError", err)
		}
		if err := second.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-asked(a, context.Background(), 3); err != nil {
			t.Errorf("the first: %v", err)
		}
		if err := w.client.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.dial(with(a.Module()))
		if err := <-asked(a, context.Background(), 3); err != nil {
			t.Errorf("another client after the first has ended: %v", err)
		}
	})
}

func TestPendingCallsSurviveAPanicOfTheModule(t *testing.T) {
	inAPI(t, modules.APIOptions{}, func(w *world, a *squares) {
		var pushes []int
		a.OnPush(func(_ *modules.Ctx, p Answer) {
			if pushes = append(pushes, p.N); p.N < 0 {
				panic("negative")
			}
		})
		var q []question
		w.answer(func(_ *actors.Conn, m transport.Message) { q = append(q, parsed(m)) })
		first, second := asked(a, context.Background(), 1), asked(a, context.Background(), 2)
		synctest.Wait()
		w.says(`{"type":"square","n":1}`, `{"type":"square","n":-1}`, `{"type":"square","n":2}`)
		for _, q := range q {
			answered(w.line, q)
		}
		if err := errors.Join(<-first, <-second); err != nil {
			t.Error(err)
		}
		if fmt.Sprint(pushes) != "[1 -1 2]" {
			t.Errorf("pushed %v, want each once and in order", pushes)
		}
		a.OnPush(nil)
		w.says(`{"type":"square","n":9}`, `{"type":"square","n":"x"}`)
		if w.unrouted() != "{\"type\":\"square\",\"n\":9}\n{\"type\":\"square\",\"n\":\"x\"}" {
			t.Errorf("unrouted: %s", w.unrouted())
		}
		if got := a.Stats(); got.Pushes != 3 || got.Answered != 2 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestAnAPIThatIsAddedLaterUsesTheConnectionThatIsThere(t *testing.T) {
	inWorld(t, with(), func(w *world) {
		a := newSquares(modules.APIOptions{})
		w.system.Root.Send(w.client.PID(), &actors.AddModule{Module: a.Module()})
		synctest.Wait()
		w.answer(func(c *actors.Conn, m transport.Message) { answered(c, parsed(m)) })
		if err := <-asked(a, context.Background(), 3); err != nil {
			t.Error(err)
		}
		w.answer(nil)
		call := asked(a, context.Background(), 3)
		synctest.Wait()
		w.listener.Refuse(true)
		began := time.Now()
		w.cut()
		if err := <-call; !errors.Is(err, modules.ErrDisconnected) || time.Since(began) > 0 {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
	})
}

func TestARequestThatCannotBeSentFailsAndLeavesNothing(t *testing.T) {
	a := modules.NewAPI[chan int, Answer]("broken", modules.APIOptions{})
	inWorld(t, with(a.Module()), func(*world) {
		if _, err := a.Call(context.Background(), nil); !isA[*modules.CodecError](err) {
			t.Errorf("got %v, want a *CodecError", err)
		}
		if got := a.Stats(); got.Pending != 0 || got.GivenUp != 1 {
			t.Errorf("stats %+v", got)
		}
	})
	b := modules.NewAPI[map[string][]byte, Answer]("large", modules.APIOptions{})
	inWorld(t, with(b.Module()), func(*world) {
		_, err := b.Call(context.Background(), map[string][]byte{"x": make([]byte, 5<<20)})
		if !isA[*actors.MessageTooBigError](err) {
			t.Errorf("got %v, want what Conn.SendHere says", err)
		}
	})
}

// wire is a protocol of texts: "id question", "id answer", "id !why", "push n".
var wire = modules.Wire[int, int]{
	Encode: func(id string, q int) (transport.Message, error) {
		if q < 0 {
			panic("negative")
		}
		return transport.Message{Kind: transport.Text, Payload: fmt.Appendf(nil, "%s %d", id, q)}, nil
	},
	Decode: func(m transport.Message) (r modules.Answer[int], ok bool) {
		id, rest, ok := strings.Cut(string(m.Payload), " ")
		if id != "push" {
			r.ID = id
		}
		if why, refused := strings.CutPrefix(rest, "!"); refused {
			if r.Err = errors.New(why); why == "panic" {
				panic(why)
			}
			return r, true
		}
		r.Value, _ = strconv.Atoi(rest)
		return r, ok
	},
}

func TestAWireAPINeedsNoCodec(t *testing.T) {
	var told []error
	a := modules.NewWireAPI("wire", wire, modules.APIOptions{Timeout: time.Second, OnError: func(_ *modules.Ctx, err error) { told = append(told, err) }})
	inWorld(t, with(a.Module()), func(w *world) {
		pushed := 0
		a.OnPush(func(_ *modules.Ctx, n int) { pushed = n })
		w.answer(func(c *actors.Conn, m transport.Message) {
			id, q, _ := strings.Cut(string(m.Payload), " ")
			reply := map[string]string{"1": "2", "2": "!no", "3": "!panic"}[q]
			_, _ = c.Send(transport.Text, []byte(id+" "+reply))
		})
		if got, err := a.Call(context.Background(), 1); got != 2 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if _, err := a.Call(context.Background(), 2); err == nil || err.Error() != "no" {
			t.Errorf("refused: %v", err)
		}
		_, err := a.Call(context.Background(), 3)
		synctest.Wait()
		if !errors.Is(err, modules.ErrNoReply) || len(told) != 1 || !isA[*modules.PanicError](told[0]) {
			t.Errorf("a reply that cannot be read: %v, told %v", err, told)
		}
		if _, err := a.Call(context.Background(), -1); !isA[*modules.PanicError](err) {
			t.Errorf("a request that cannot be written: %v", err)
		}
		w.says("push 7", "nothing")
		if pushed != 7 {
			t.Errorf("pushed %d", pushed)
		}
		if got, want := a.Stats(), (modules.APIStats{Calls: 4, Answered: 1, Failed: 1, GivenUp: 2, Pushes: 1, Undecoded: 1}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
	})
}

func TestAnAPIBehavesAsAModule(t *testing.T) {
	modulestest.Run(t, func() actors.Module {
		a := newSquares(modules.APIOptions{})
		a.OnPush(func(*modules.Ctx, Answer) {})
		return a.Module()
	}, modulestest.Options{Side: modulestest.ClientOnly, Message: func(i int) transport.Message {
		return transport.Message{Kind: transport.Text, Payload: fmt.Appendf(nil, `{"type":"square","n":%d}`, i)}
	}})
}

func TestAReplyAtWhichTheCodecPanicsIsToldAndDropped(t *testing.T) {
	var told []error
	a := newSquares(modules.APIOptions{
		Codecs: modules.Codecs{"": fragile{in: "peek"}}, Timeout: time.Second,
		OnError: func(_ *modules.Ctx, err error) { told = append(told, err) },
	})
	inWorld(t, with(a.Module()), func(w *world) {
		w.says(`{"type":"square","n":7}`)
		if len(told) != 1 || !isA[*modules.PanicError](told[0]) || a.Stats().Undecoded != 1 {
			t.Errorf("told %v, stats %+v", told, a.Stats())
		}
	})
}

func TestOnAServerTheLatestConnectionIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSquares(modules.APIOptions{})
		w := newWorld(t, nil, a.Module())
		var first, second []string
		dial := func(came *[]string) {
			m := modules.Func("record", func(_ *modules.Ctx, m transport.Message) error {
				*came = append(*came, string(m.Payload))
				return nil
			})
			w.dial(with(m))
			client := w.client
			t.Cleanup(func() { _ = client.Close(context.Background()) })
		}
		dial(&first)
		call := asked(a, context.Background(), 1)
		synctest.Wait()
		began := time.Now()
		dial(&second)
		if err := <-call; !errors.Is(err, modules.ErrDisconnected) || time.Since(began) > 0 {
			t.Errorf("a call of the first connection: %v after %s", err, time.Since(began))
		}
		call = asked(a, context.Background(), 2)
		synctest.Wait()
		if len(first) != 1 || len(second) != 1 {
			t.Errorf("the first was asked %q, the second %q", first, second)
		}
		w.close()
		if err := <-call; !errors.Is(err, modules.ErrDisconnected) {
			t.Errorf("at the end: %v", err)
		}
	})
}
