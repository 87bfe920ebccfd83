package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	mw "github.com/hawser-go/hawser/internal/middlewaretest"
	"github.com/hawser-go/hawser/transport"
)

func record(t *testing.T, o Options) *Recorder {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func inWorld(t *testing.T, r *Recorder, f func(w *mw.World)) {
	t.Helper()
	mw.In(t, mw.Setting{Client: []actors.Middleware{r.Middleware()}}, f)
}

// brief are the records in words, without their time.
func brief(records []Record) (all []string) {
	for _, r := range records {
		all = append(all, fmt.Sprintf("%s %s %d epoch %d %q", r.Direction, r.Kind, r.Size, r.Epoch, r.Payload))
	}
	return all
}

func TestRecorderKeepsEveryMessageAndNoContents(t *testing.T) {
	r := record(t, Options{})
	inWorld(t, r, func(w *mw.World) {
		begin := time.Now()
		w.Send("secret")
		w.Cut()
		time.Sleep(time.Hour)
		if _, err := w.Client.SendBinary(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got := r.Records()
		want := []string{
			`outbound text 6 epoch 1 ""`, `inbound text 6 epoch 1 ""`,
			`outbound binary 1000 epoch 2 ""`, `inbound binary 1000 epoch 2 ""`,
		}
		if !slices.Equal(brief(got), want) {
			t.Errorf("recorded %q, want %q", brief(got), want)
		}
		if d := got[3].At.Sub(begin); d < time.Hour || d > time.Hour+time.Second {
			t.Errorf("the last came %v after the first", d)
		}
		for _, r := range got {
			if r.Payload != nil {
				t.Errorf("%v has a payload", r)
			}
		}
	})
}

func TestPayloadsAreKeptAsOptionsSay(t *testing.T) {
	redact := func(_ Direction, m transport.Message) []byte {
		if bytes.HasPrefix(m.Payload, []byte("login ")) {
			return nil
		}
		return bytes.ReplaceAll(m.Payload, []byte("hunter2"), []byte("***"))
	}
	for _, c := range []struct {
		name, text string
		options    Options
		want       string // "-" is none
		cut        bool
	}{
		{"none", "hello", Options{}, "-", false},
		{"all", "hello", Options{Payload: -1}, "hello", false},
		{"all of an empty one", "", Options{Payload: -1}, "", false},
		{"the beginning", "hello", Options{Payload: 3}, "hel", true},
		{"as much as there is", "hello", Options{Payload: 5}, "hello", false},
		{"between characters", "grüße", Options{Payload: 3}, "gr", true},
		{"within the bound of all", "hello", Options{Payload: -1, Bytes: 2}, "he", true},
		{"redacted", "my hunter2", Options{Payload: -1, Redact: redact}, "my ***", false},
		{"redacted before it is cut", "hunter2hunter2", Options{Payload: 4, Redact: redact}, "****", true},
		{"nothing left of it", "login x", Options{Payload: -1, Redact: redact}, "-", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := record(t, c.options)
			inWorld(t, r, func(w *mw.World) {
				w.Send(c.text)
				first := r.Records()[0]
				got := string(first.Payload)
				if first.Payload == nil {
					got = "-"
				}
				if got != c.want || first.Cut != c.cut || first.Size != len(c.text) {
					t.Errorf("kept %q of %d, cut %v; want %q, cut %v", got, first.Size, first.Cut, c.want, c.cut)
				}
				if !slices.Equal(w.Came(), []string{c.text}) {
					t.Errorf("%q came back", w.Came())
				}
			})
		})
	}
}

func TestRecorderIsBoundedInMessagesAndBytes(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		kept    int // of 1000 messages of 10 bytes, each way
	}{
		{"by default", Options{Payload: -1}, 1024},
		{"messages", Options{Messages: 7, Payload: -1}, 7},
		{"one", Options{Messages: 1, Payload: -1}, 1},
		{"bytes", Options{Payload: -1, Bytes: 55}, 5},
		{"bytes, when none are kept", Options{Bytes: 55}, 1024},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := record(t, c.options)
			inWorld(t, r, func(w *mw.World) {
				var texts []string
				for i := range 1000 {
					texts = append(texts, fmt.Sprintf("%010d", i))
				}
				w.Send(texts...)
				got := r.Records()
				if len(got) != c.kept || r.Overwritten() != uint64(2000-c.kept) {
					t.Errorf("%d are kept and %d overwritten; want %d kept", len(got), r.Overwritten(), c.kept)
				}
				held := 0
				for _, r := range got {
					held += len(r.Payload)
				}
				if held > r.options.Bytes || held != r.ring.held {
					t.Errorf("%d bytes are held, %d by its own count, of %d", held, r.ring.held, r.options.Bytes)
				}
				if last := got[len(got)-1]; last.Direction != Inbound || c.options.Payload != 0 && string(last.Payload) != "0000000999" {
					t.Errorf("the last is %v", last)
				}
				r.Reset()
				if len(r.Records()) != 0 || r.Overwritten() != 0 {
					t.Error("something is left")
				}
			})
		})
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, o := range []Options{
		{Messages: -1},
		{Bytes: -1},
		{Redact: func(Direction, transport.Message) []byte { return nil }},
	} {
		if _, err := New(o); !errors.As(err, new(*actors.OptionError)) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestRecorderConforms(t *testing.T) {
	var r *Recorder
	mw.Conforms(t, mw.Subject{
		New: func(t *testing.T) actors.Middleware {
			r = record(t, Options{Payload: -1, Bytes: 10_000})
			return r.Middleware()
		},
		Broken: func(t *testing.T) actors.Middleware {
			r = record(t, Options{Payload: -1, Redact: func(_ Direction, m transport.Message) []byte {
				if string(m.Payload) == mw.Boom {
					panic(mw.Boom)
				}
				return m.Payload
			}})
			return r.Middleware()
		},
		Left: func() int { return 0 },
	})
}
