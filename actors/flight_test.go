package actors

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

func TestHistoryTellsALife(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.listener.Refuse(true)
		o := steady()
		o.Outbox.Age = 400 * time.Millisecond
		c := w.dial(o)
		synctest.Wait()
		w.send("it expires before anything is ready")
		time.Sleep(500 * time.Millisecond)
		w.listener.Refuse(false)
		w.ready()
		w.link().Reset()
		synctest.Wait()
		w.ready()
		w.end() // and the history is still there
		story := (&History{Records: c.History()}).String()
		golden(t, "history.txt", regexp.MustCompile(`127.0.0.1:\d+->`).ReplaceAllString(story, "127.0.0.1:port->"))
	})
}

// One record for each event, and the same in it.
func TestHistoryHasARecordForEachEvent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.listener.Refuse(true)
		c := w.dial(steady())
		time.Sleep(5 * time.Second)
		w.listener.Refuse(false)
		w.ready()
		w.link().Reset()
		synctest.Wait()
		w.ready()
		w.end()
		history := c.History()
		if len(history) != len(w.events) {
			t.Fatalf("%d records of %d events", len(history), len(w.events))
		}
		for i, e := range w.events {
			r := history[i]
			if r.Event != e.Kind || !r.At.Equal(e.At) || r.Epoch != e.Epoch || r.Attempt != e.Attempt || r.Delay != e.Delay ||
				r.Err != e.Cause || r.Queued != e.Queued || (e.Cause == nil) != (r.Cause == "") { //nolint:errorlint // the very same
				t.Errorf("record %d: %v\nevent: %+v", i, r, e)
			}
		}
		if last := history[len(history)-1]; last.State != Stopped {
			t.Errorf("last record: %v", last)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	for _, test := range []struct{ option, want int }{{0, 128}, {1, 1}, {5, 5}, {-1, 0}} {
		t.Run(fmt.Sprint(test.option), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.listener.Refuse(true)
				o := steady()
				o.History = test.option
				c := w.dial(o)
				time.Sleep(time.Hour)
				synctest.Wait()
				history := c.History()
				if len(history) != test.want {
					t.Fatalf("%d records, want %d", len(history), test.want)
				}
				w.end()
				for i, r := range history {
					if e := w.events[len(w.events)-1-len(history)+i]; !r.At.Equal(e.At) || r.Event != e.Kind {
						t.Errorf("record %d is %v, want %v at %v", i, r, e.Kind, e.At)
					}
				}
			})
		})
	}
}

func TestFlightKeepsTheLatestInOrder(t *testing.T) {
	f := flight{limit: 7}
	for n := range 30 {
		list := f.list()
		if len(list) != min(n, 7) {
			t.Fatalf("%d records of %d", len(list), n)
		}
		for i, r := range list {
			if want := n - len(list) + i; r.Attempt != want {
				t.Fatalf("after %d: record %d is %d, want %d", n, i, r.Attempt, want)
			}
		}
		f.add(Transition{Attempt: n})
	}
}

// errBomb is an error of a user who does not know how.
type errBomb struct{ p *int }

func (e errBomb) Error() string { return fmt.Sprint(*e.p) }

func TestHistorySurvivesAnErrorThatPanics(t *testing.T) {
	text, _, _ := reasonOf(errBomb{})
	if text != "actors.errBomb, which panics when it is read" {
		t.Errorf("got %q", text)
	}
}

func TestReasonsHoldCodeAndStatus(t *testing.T) {
	text, code, status := reasonOf(errors.Join(&transport.CloseError{Code: 4001}, &SetupError{Step: 1, Err: &transport.HandshakeError{Status: 503}}))
	if code != 4001 || status != 503 || !strings.Contains(text, "set-up step 1") {
		t.Errorf("%q, %d, %d", text, code, status)
	}
	if text, code, status = reasonOf(nil); text != "" || code != 0 || status != 0 {
		t.Errorf("nil: %q, %d, %d", text, code, status)
	}
}

func TestTransitionAsJSON(t *testing.T) {
	b, err := json.MarshalIndent(Transition{
		At:    time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Event: EventReconnecting, State: Backoff, Epoch: 3, Attempt: 2, Delay: 1500 * time.Microsecond,
		Cause: "no", Err: errors.New("secret"), CloseCode: 1013, HTTPStatus: 503, Queued: 4, QueuedBytes: 50, RTT: 6 * time.Millisecond,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "transition.json", string(b)+"\n")
}

// golden compares a text with a file in testdata. With HAWSER_GOLDEN=1 it writes
// the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if os.Getenv("HAWSER_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestPingsKeepAnIntervalThatIsShorterThanTheirTimeout(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(ClientOptions{Heartbeat: Heartbeat{Interval: time.Second}}) // Timeout is 10 s
		w.ready()
		time.Sleep(30500 * time.Millisecond)
		if n := w.client.Stats().PingRTT.Count; n != 30 {
			t.Errorf("%d pings answered in 30 s; want 30", n)
		}
		w.end()
	})
}
