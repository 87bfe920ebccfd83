package actors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// These tests stand for rows of docs/parity.md that no other test proves.

// A connection that is up is not one that can be used: only Ready says that the
// set-up is done, and only then anything else leaves.
func TestConnectedIsNotReady(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		accepted := make(chan struct{})
		o := half
		o.OpenTimeout, o.Outbox.Age = -1, -1
		o.Setup = []SetupStep{func(context.Context, *Setup) error {
			<-accepted
			return nil
		}}
		c := w.dial(o)
		if err := c.WaitConnected(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.send("held")
		time.Sleep(time.Hour)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.WaitReady(ctx); !errors.Is(err, context.DeadlineExceeded) || c.State() != Opening {
			t.Errorf("it is ready: %v, %v", c.State(), err)
		}
		w.got()
		close(accepted)
		w.ready()
		w.got("held")
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
		w.client = nil
		w.end()
	})
}

// A set-up that waits for something that never comes is a failed attempt, in time.
func TestASetUpThatHangsEndsAtItsDeadline(t *testing.T) {
	for name, step := range map[string]SetupStep{
		"for a reply": func(ctx context.Context, o *Setup) error {
			_, err := o.Receive(ctx)
			return err
		},
		"for its context": func(ctx context.Context, _ *Setup) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		for stage, set := range map[string]func(o *ClientOptions){
			"authenticate": func(o *ClientOptions) { o.Authenticate = step },
			"set-up step":  func(o *ClientOptions) { o.Setup = []SetupStep{step} },
			"resubscribe": func(o *ClientOptions) {
				o.Resubscribe = func(ctx context.Context, o *Setup, _ []Subscription) error { return step(ctx, o) }
			},
		} {
			t.Run(stage+" waits "+name, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.serve(ServerOptions{})
					o := half
					o.OpenTimeout, o.Restart = 7*time.Second, supervisor.Temporary
					set(&o)
					begin := time.Now()
					err := w.dial(o).WaitStopped(context.Background())
					failed, ok := errors.AsType[*SetupError](err)
					if !ok || failed.Stage != stage || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("it stopped with %v", err)
					}
					if took := time.Since(begin); took != 7*time.Second {
						t.Errorf("after %v; want the OpenTimeout", took)
					}
					w.end()
				})
			})
		}
	}
}

func TestASetUpThatPanicsIsAFailedAttempt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		o := half
		n := 0
		o.Setup = []SetupStep{func(context.Context, *Setup) error {
			if n++; n == 1 {
				panic(errKilled)
			}
			return nil
		}}
		w.dial(o)
		w.send("kept")
		w.ready()
		w.got("kept")
		if cause := w.lastCause(); cause == nil || !strings.Contains(cause.Error(), "set-up step 1: panic: killed by the test") {
			t.Errorf("the first attempt ended with %v", cause)
		}
		w.end()
	})
}

// The socket is read and written while the set-up runs: it may ask thousands of
// things before it reads the first answer, and more may come than is kept for it,
// each in a read of its own.
func TestTheSetUpMayAskMoreThanAnyQueueHolds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const questions, ticks = 5000, 2000
		hurry := ticker(ticks, time.Millisecond)
		hurry.Match = prefix("go")
		echo := echoModule
		echo.Match = prefix("question")
		w.serve(ServerOptions{Outbox: OutboxLimits{Bytes: 16 << 20}, Modules: []Module{hurry, echo}})
		o := half
		o.OpenTimeout, o.Restart, o.Outbox.Messages = time.Minute, supervisor.Temporary, 10
		o.Setup = []SetupStep{func(ctx context.Context, o *Setup) error {
			for i := range questions {
				if _, err := o.Send(transport.Text, fmt.Appendf(nil, "question %d", i)); err != nil {
					return err
				}
			}
			for i := range questions {
				m, err := o.Receive(ctx)
				if err != nil || string(m.Payload) != fmt.Sprint("question ", i) {
					return fmt.Errorf("got %q, %w as the answer to question %d", m.Payload, err, i)
				}
			}
			_, err := o.Send(transport.Text, []byte("go"))
			time.Sleep(30 * time.Second)
			for i := range uint64(ticks) {
				m, err := o.Receive(ctx)
				if err != nil || binary.BigEndian.Uint64(m.Payload) != i {
					return fmt.Errorf("got %x, %w as tick %d", m.Payload, err, i)
				}
			}
			return err
		}}
		c := w.dial(o)
		w.ready()
		if got := w.echoed(); len(got) != 0 {
			t.Errorf("a module got what the set-up was answered: %.100q", got)
		}
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
		w.client = nil // its books hold messages that the test did not send
		w.end()
	})
}
