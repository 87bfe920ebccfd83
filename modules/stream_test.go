package modules_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/modules/modulestest"
	"github.com/hawser-go/hawser/transport"
)

// read reads a stream in the background, a message each time that the test takes
// one from the channel.
func read(ctx context.Context, s *modules.Stream) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		for m := range s.All(ctx) {
			out <- string(m.Payload)
		}
	}()
	return out
}

// all is what is left in a stream that was closed.
func all(c <-chan string) (texts []string) {
	for text := range c {
		texts = append(texts, text)
	}
	return texts
}

func numbered(first, last int) (texts []string) {
	for i := first; i < last; i++ {
		texts = append(texts, fmt.Sprint("m", i))
	}
	return texts
}

func TestAStreamYieldsItsMessagesUntilTheClientEnds(t *testing.T) {
	s := modules.NewStream("stream", prefix("m"), modules.StreamOptions{})
	synctest.Test(t, func(t *testing.T) {
		r := read(context.Background(), s) // before there is a client
		w := newWorld(t, nil)
		w.dial(with(s.Module()))
		w.says(numbered(0, 3)...)
		w.says("other")
		if got := []string{<-r, <-r}; !slices.Equal(got, numbered(0, 2)) {
			t.Errorf("read %q", got)
		}
		w.cut()
		synctest.Wait()
		w.ready()
		w.says("m3")
		w.close()
		if got := all(r); !slices.Equal(got, numbered(2, 4)) {
			t.Errorf("behind a reconnect and the end: %q", got)
		}
		if got := all(read(context.Background(), s)); got != nil {
			t.Errorf("after the end: %q", got)
		}
		if got, want := s.Stats(), (modules.StreamStats{Received: 4}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		if w.unrouted() != "other" {
			t.Errorf("unrouted %q", w.unrouted())
		}
	})
}

// prefix is a rule.
type prefix string

func (p prefix) Matcher(actors.ConnInfo) func(transport.Message) bool {
	return func(m transport.Message) bool { return strings.HasPrefix(string(m.Payload), string(p)) }
}

func TestAReaderOfAStreamEndsWithItsContextAndByBreak(t *testing.T) {
	s := modules.NewStream("stream", nil, modules.StreamOptions{})
	inWorld(t, with(s.Module()), func(w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		r := read(ctx, s)
		synctest.Wait()
		cancel()
		if got := all(r); got != nil {
			t.Errorf("read %q", got)
		}
		w.says(numbered(0, 3)...)
		for range s.All(ctx) {
			t.Error("read with a context that is over")
		}
		for m := range s.All(context.Background()) {
			if string(m.Payload) != "m0" {
				t.Errorf("read %q first", m.Payload)
			}
			break
		}
		if got := s.Stats(); got.Waiting != 2 {
			t.Errorf("stats %+v, want what was not read to wait", got)
		}
	})
}

func TestAStreamThatIsNotReadKeepsItsBound(t *testing.T) {
	for _, c := range []struct {
		name    string
		options modules.StreamOptions
		want    []string
	}{
		{"oldest", modules.StreamOptions{Buffer: 4, Overflow: actors.DropOldest}, numbered(6, 10)},
		{"newest", modules.StreamOptions{Buffer: 4, Overflow: actors.DropNewest}, numbered(0, 4)},
		{"bytes", modules.StreamOptions{BufferBytes: 5, Overflow: actors.DropOldest}, numbered(8, 10)},
		{"one that is too large", modules.StreamOptions{BufferBytes: 1, Overflow: actors.DropOldest}, numbered(9, 10)},
		{"no bytes", modules.StreamOptions{BufferBytes: -1, Overflow: actors.DropOldest}, numbered(0, 10)},
		{"closed", modules.StreamOptions{Buffer: 4, Overflow: actors.CloseSlow}, numbered(0, 4)},
		{"no buffer", modules.StreamOptions{Buffer: -1}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := modules.NewStream("stream", nil, c.options)
			inWorld(t, with(s.Module()), func(w *world) {
				sent := 10
				if c.options.Overflow == actors.CloseSlow {
					sent = 5 // nothing behind the one that is too much: the connection may be gone by then
				}
				w.says(numbered(0, sent)...)
				pass(time.Minute)
				closed := w.listener.Dials() > 1
				if want := c.options.Overflow == actors.CloseSlow; closed != want {
					t.Errorf("closed: %v, want %v", closed, want)
				}
				w.close()
				if got := all(read(context.Background(), s)); !slices.Equal(got, c.want) {
					t.Errorf("read %q, want %q", got, c.want)
				}
				if got := s.Stats(); c.options.Buffer >= 0 && !closed && got.Dropped != uint64(10-len(c.want)) {
					t.Errorf("stats %+v", got)
				}
			})
		})
	}
}

func TestBlockLosesNothingWhileTheReaderReads(t *testing.T) {
	s := modules.NewStream("stream", nil, modules.StreamOptions{Buffer: 4})
	m := s.Module()
	if m.QueueBytes = 1000; !m.Async {
		t.Error("a module that may wait for its reader does not say so")
	}
	inWorld(t, with(m), func(w *world) {
		r := read(context.Background(), s)
		for _, text := range numbered(0, 500) {
			w.says(text) // each is a read of its own
		}
		if unread := w.listener.Links()[0].Unread(0) + w.listener.Links()[0].Unread(1); unread == 0 {
			t.Error("all was read though nobody takes it")
		}
		for i := range 500 {
			time.Sleep(10 * time.Millisecond)
			if got := <-r; got != fmt.Sprint("m", i) {
				t.Fatalf("read %q, want m%d", got, i)
			}
		}
		if got := s.Stats(); got.Dropped != 0 || got.Received != 500 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestAReaderThatHasGoneDoesNotKeepTheClientFromClosing(t *testing.T) {
	s := modules.NewStream("stream", nil, modules.StreamOptions{Buffer: 4})
	inWorld(t, with(s.Module()), func(w *world) {
		w.says(numbered(0, 100)...)
		began := time.Now()
		w.close() // the world fails if it does not end
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("closing took %s", took)
		}
		if got := all(read(context.Background(), s)); !slices.Equal(got, numbered(96, 100)) {
			t.Errorf("read %q, want the newest", got)
		}
	})
}

func TestAwaitGetsTheNextMessageThatFits(t *testing.T) {
	s := modules.NewStream("stream", nil, modules.StreamOptions{})
	inWorld(t, with(s.Module()), func(w *world) {
		is := func(text string) func(transport.Message) bool {
			return func(m transport.Message) bool {
				if s.Stats(); string(m.Payload) == "boom" && text == "panics" {
					panic("boom")
				}
				return string(m.Payload) == text
			}
		}
		any, b, broken := s.Await(nil), s.Await(is("b")), s.Await(is("panics"))
		w.says("a", "b", "boom")
		for waiter, want := range map[*modules.Waiter]string{any: "a", b: "b"} {
			for range 2 {
				if m, err := waiter.Wait(context.Background()); string(m.Payload) != want || err != nil {
					t.Errorf("got %q, %v, want %q", m.Payload, err, want)
				}
			}
		}
		if _, err := broken.Wait(context.Background()); !isA[*modules.PanicError](err) {
			t.Errorf("a match that panics: %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := s.Once(ctx, is("never")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in vain: %v", err)
		}
		cancelled := s.Await(nil)
		cancelled.Cancel()
		if _, err := cancelled.Wait(context.Background()); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if got := s.Stats(); got.Waiting != 3 {
			t.Errorf("stats %+v: readers get what was awaited, too", got)
		}
	})
}

func TestAwaitFailsAtOnceWhenTheConnectionIsLost(t *testing.T) {
	s := modules.NewStream("stream", nil, modules.StreamOptions{})
	inWorld(t, with(s.Module()), func(w *world) {
		waiter := s.Await(nil)
		began := time.Now()
		w.cut()
		if _, err := waiter.Wait(context.Background()); !errors.Is(err, modules.ErrDisconnected) || !isA[*transport.ReadError](err) || time.Since(began) > 0 {
			t.Errorf("got %v after %s, want ErrDisconnected with the cause at once", err, time.Since(began))
		}
		w.close()
		if _, err := s.Once(context.Background(), nil); !errors.Is(err, modules.ErrDisconnected) || !errors.Is(err, actors.ErrStopped) {
			t.Errorf("after the end: %v", err)
		}
	})
	var waiters []*modules.Waiter
	s = modules.NewStream("stream", nil, modules.StreamOptions{})
	for range 1025 {
		waiters = append(waiters, s.Await(nil))
	}
	if _, err := waiters[1024].Wait(context.Background()); !errors.Is(err, modules.ErrTooManyCalls) {
		t.Errorf("one too many: %v", err)
	}
}

func TestAStreamBehavesAsAModule(t *testing.T) {
	for _, policy := range []actors.OverflowPolicy{actors.Block, actors.DropOldest} {
		modulestest.Run(t, func() actors.Module {
			return modules.NewStream("stream", nil, modules.StreamOptions{Overflow: policy, Buffer: 16, Patience: time.Millisecond}).Module()
		}, modulestest.Options{})
	}
}
