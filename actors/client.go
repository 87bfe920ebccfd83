package actors

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// Client is a connection to a WebSocket server that comes back when it is lost.
// It is a handle on the client's actor; all methods are safe for concurrent use
// and from inside handlers.
type Client struct {
	s   *session
	pid *actor.PID
}

var clientNames atomic.Uint64

// Dial makes a client of url on the user's actor system and tells it to connect.
// It does not wait for the connection: see [Client.WaitReady]. The context bounds
// only Dial itself. An error means that the options or the URL can never work.
func Dial(ctx context.Context, system *actor.ActorSystem, url string, o ClientOptions) (*Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := NewClient(system, url, o)
	if err != nil {
		return nil, err
	}
	system.Root.Send(c.pid, &Do{Command: Connect})
	return c, nil
}

// NewClient is Dial without the connecting: the client is Idle until it is told
// to Connect. It accepts messages meanwhile.
func NewClient(system *actor.ActorSystem, url string, o ClientOptions) (*Client, error) {
	if system == nil {
		return nil, &OptionError{Option: "system", Problem: "is nil; make one with actor.NewActorSystem"}
	}
	for i, u := range append([]string{url}, o.URLs...) {
		if _, err := transport.ParseURL(u); err != nil && (o.Request == nil || u != "" || i > 0) {
			return nil, err
		}
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	r, err := acquireRoot(system)
	if err != nil {
		return nil, err
	}
	s := newSession(r, url, o)
	a := &clientActor{session: s}
	a.parts = newParts(&s.side)
	s.reconnect = supervisor.NewReconnect(
		supervisor.Policy{Backoff: o.Backoff, Restart: o.Restart, Classify: o.Classify},
		supervisor.ReconnectOptions{Rand: o.Rand, Notify: a.decided},
	)
	pid, err := r.spawn(r.props(func() actor.Actor { return a }, s.box, nil), s.name)
	if err != nil {
		<-r.release()
		return nil, fmt.Errorf("actors: spawn client %q: %w", s.name, err)
	}
	return &Client{s: s, pid: pid}, nil
}

func newSession(r *root, url string, o ClientOptions) *session {
	s := &session{options: o, box: newMailbox(r.dispatcher), urls: append([]string{url}, o.URLs...)}
	s.box.once = true
	s.root, s.system, s.logger = r, r.system, orLogger(o.Logger, r.system)
	s.name = o.Name
	if s.name == "" {
		s.name = "client" + strconv.FormatUint(clientNames.Add(1), 36)
	}
	s.heartbeat, s.writeTimeout, s.closeTimeout = o.Heartbeat, o.WriteTimeout, o.CloseTimeout
	s.hookTimeout, s.side.line = o.HookTimeout, &s.line
	s.hooks = &hookline{side: &s.side, timeout: o.HookTimeout}
	s.out = &outbox{limits: &s.options.Outbox, ledger: &s.ledger, settled: s.outcomes(), due: s.sweep, masked: true, held: true}
	s.wants.out = s.out
	s.routes.Store(newTable(o.Routing, nil, nil))
	s.life.begin(o.History)
	return s
}

func orLogger(l *slog.Logger, system *actor.ActorSystem) *slog.Logger {
	if l == nil {
		return system.Logger()
	}
	return l
}

// PID returns the client's actor. It stays the same over all reconnects, and
// takes *Send, *Do, *AddModule, *GetStatus, *GetStats and *GetHistory.
func (c *Client) PID() *actor.PID { return c.pid }

// Send accepts a message and returns the number that names it in its Outcome, or
// says why it was not accepted. It never blocks; while the client is down the
// message waits, within the bounds of ClientOptions.Outbox. The payload is
// copied.
func (c *Client) Send(kind transport.Kind, payload []byte) (uint64, error) {
	return c.s.accept(kind, payload)
}

// SendText is Send for a text message.
func (c *Client) SendText(text string) (uint64, error) {
	return c.s.accept(transport.Text, []byte(text))
}

// SendBinary is Send for a binary message.
func (c *Client) SendBinary(payload []byte) (uint64, error) {
	return c.s.accept(transport.Binary, payload)
}

// State returns where the client stands now.
func (c *Client) State() State {
	s, _ := c.s.watch.now()
	return s
}

// Err returns why the client stopped: nil while it has not, and after Shutdown.
func (c *Client) Err() error {
	_, err := c.s.watch.now()
	return err
}

// States yields what happens to the client from now on, until it stops or ctx is
// done. Range over it once, soon: events are kept from now on. A reader that falls
// 1024 events behind loses the oldest ones; the next event says how many.
func (c *Client) States(ctx context.Context) iter.Seq[Event] { return c.s.watch.follow(ctx) }

// WaitConnected returns when a connection is up, set-up done or not. If the
// client stops for good it returns ErrStopped joined with the cause.
func (c *Client) WaitConnected(ctx context.Context) error {
	return c.s.watch.wait(ctx, State.up)
}

// WaitReady returns when messages flow. If the client stops for good it returns
// ErrStopped joined with the cause.
func (c *Client) WaitReady(ctx context.Context) error {
	return c.s.watch.wait(ctx, func(s State) bool { return s == Ready })
}

// WaitStopped returns when the client has ended for good: nil after Shutdown,
// else the cause.
func (c *Client) WaitStopped(ctx context.Context) error {
	if err := c.s.watch.wait(ctx, func(s State) bool { return s == Stopped }); err != nil {
		return err
	}
	return c.Err()
}

// Books returns the counters of the messages sent so far.
func (c *Client) Books() Books { return c.s.books() }

// RTT returns the round trip of the latest ping that was answered, or 0.
func (c *Client) RTT() time.Duration {
	if line := c.s.line.Load(); line != nil {
		return line.RTT()
	}
	return 0
}

// Connect makes the client connect if it is idle or held, and cuts a backoff
// short.
func (c *Client) Connect(ctx context.Context) error { return c.do(ctx, &Do{Command: Connect}) }

// Disconnect closes the connection with the handshake, resets the session state
// and dials anew. It returns when the old connection is down.
func (c *Client) Disconnect(ctx context.Context) error { return c.do(ctx, &Do{Command: Disconnect}) }

// Hold closes the connection with the handshake and stays down until Connect. It
// returns when the connection is down.
func (c *Client) Hold(ctx context.Context) error { return c.do(ctx, &Do{Command: Hold}) }

// Reconnect closes the connection with the handshake and dials anew; the session
// state is kept. It returns when the old connection is down.
func (c *Client) Reconnect(ctx context.Context) error { return c.do(ctx, &Do{Command: Reconnect}) }

// do sends a command and waits for its answer.
func (c *Client) do(ctx context.Context, m *Do) error {
	if c.State() == Stopped {
		if m.Command == Shutdown {
			return nil
		}
		return fmt.Errorf("%s: %w", m.Command, stopped(c.Err()))
	}
	answered, pid, err := c.s.root.ask()
	if err != nil {
		return err
	}
	defer c.s.root.forgetAsk(pid)
	c.s.system.Root.RequestWithCustomSender(c.pid, m, pid)
	select {
	case msg := <-answered:
		if done, ok := msg.(*Done); ok {
			return done.Err
		}
		return stopped(c.Err()) // a dead letter: it has ended meanwhile
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Drain accepts no more messages, waits until those accepted have an outcome, and
// closes with 1000. When ctx is done it closes at once.
func (c *Client) Drain(ctx context.Context) error {
	c.s.out.refuse(ErrStopped)
	select {
	case <-c.s.out.emptied():
	case <-ctx.Done():
	}
	return c.Close(ctx)
}

// Close ends the client for good with code 1000. See CloseWith.
func (c *Client) Close(ctx context.Context) error {
	return c.CloseWith(ctx, transport.NormalClosure, "")
}

// CloseWith ends the client for good: it closes the connection with the
// handshake, behind the messages accepted before, and returns nil when every
// actor, goroutine and socket of the client is gone. When ctx is done before, or
// 1 s after CloseTimeout, the rest is ended by force, and the error names what is
// left; call it again when that may have ended, to have the rest cleared away. It may
// be called more than once, and from inside a handler; the handler that waits here is
// then among what is left.
func (c *Client) CloseWith(ctx context.Context, code transport.CloseCode, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, c.s.closeTimeout+time.Second)
	defer cancel()
	if err := c.do(ctx, &Do{Command: Shutdown, Code: code, Reason: reason}); err != nil && ctx.Err() == nil && !errors.Is(err, ErrStopped) {
		return err
	}
	if err := c.s.watch.wait(ctx, func(s State) bool { return s == Stopped }); err != nil {
		c.s.system.Root.Stop(c.pid)
		return c.s.unstopped(c.pid, ctx.Err())
	}
	return c.s.finish(ctx, c.pid)
}
