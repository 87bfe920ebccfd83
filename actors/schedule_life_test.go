package actors

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// biography is a module, and a middleware, of a random schedule: it checks that the hooks
// come in the only legal order, takes its time over some, and refuses some.
type biography struct {
	s      *schedule
	name   string
	mu     sync.Mutex
	rand   *rand.Rand
	epoch  uint64
	stage  string // "", "connected" or "ready"
	failed []string
}

func (s *schedule) biography(name string) *biography {
	return &biography{s: s, name: name, rand: rand.New(rand.NewPCG(s.seed+uint64(len(name)), uint64(s.n)))}
}

func (l *biography) bad(format string, args ...any) {
	l.failed = append(l.failed, l.name+": "+fmt.Sprintf(format, args...))
}

// linger takes some time, mostly none, and less than what Close leaves it.
func (l *biography) linger() {
	l.mu.Lock()
	d := time.Duration(0)
	if l.rand.IntN(5) == 0 {
		d = time.Duration(l.rand.IntN(250)) * time.Millisecond
	}
	l.mu.Unlock()
	time.Sleep(d)
}

// refuse returns an error now and then.
func (l *biography) refuse() error {
	if l.rand.IntN(12) == 0 {
		return errors.New("refused by the test")
	}
	return nil
}

func (l *biography) connect(epoch uint64) error {
	l.linger()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage != "" || epoch <= l.epoch {
		l.bad("OnConnect %d while %q of %d", epoch, l.stage, l.epoch)
	}
	err := l.refuse()
	if err == nil {
		l.epoch, l.stage = epoch, "connected"
	}
	return err
}

func (l *biography) disconnect(epoch uint64) {
	l.linger()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage == "" || epoch != l.epoch {
		l.bad("OnDisconnect %d while %q of %d", epoch, l.stage, l.epoch)
	}
	l.stage = ""
}

func (l *biography) message(epoch uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage != "ready" || epoch != l.epoch {
		l.bad("a message of %d while %q of %d", epoch, l.stage, l.epoch)
	}
}

// ended returns what went wrong.
func (l *biography) ended() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage != "" {
		l.bad("never told of the end of %d", l.epoch)
	}
	return l.failed
}

// lively is the module.
type lively struct{ *biography }

func (l lively) OnMessage(c *Context, _ transport.Message) { l.message(c.Conn().Epoch()) }
func (l lively) OnConnect(c *Context) error                { return l.connect(c.Conn().Epoch()) }
func (l lively) OnDisconnect(c *Context, _ error)          { l.disconnect(c.Conn().Epoch()) }

func (l lively) OnReady(c *Context) {
	l.linger()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage != "connected" || c.Conn().Epoch() != l.epoch {
		l.bad("OnReady %d while %q of %d", c.Conn().Epoch(), l.stage, l.epoch)
	}
	l.stage = "ready"
}

func (l lively) OnReconnecting(*Context, int, time.Duration) error {
	l.linger()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage != "" {
		l.bad("OnReconnecting while %q of %d", l.stage, l.epoch)
	}
	return l.refuse()
}

// passing is the middleware.
type passing struct{ *biography }

func (p passing) OnReceive(*Conn, transport.Message) Verdict { return Pass() }
func (p passing) OnSend(*Conn, transport.Message) Verdict    { return Pass() }
func (p passing) OnConnect(c *Conn) error                    { return p.connect(c.Epoch()) }
func (p passing) OnDisconnect(c *Conn, _ error)              { p.disconnect(c.Epoch()) }
func (p passing) OnConnectionAttempt(Attempt) error {
	p.linger()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stage != "" {
		p.bad("OnConnectionAttempt while %q of %d", p.stage, p.epoch)
	}
	return p.refuse()
}

// desk is a server's module that books subscriptions, and checks that none is asked
// for twice on a connection.
type desk struct {
	mu     sync.Mutex
	has    map[uint64]map[string]bool
	failed []string
}

func (d *desk) module() Module {
	return Module{
		Name:  "desk",
		Match: func(m transport.Message) bool { return strings.Contains(string(m.Payload), "sub ") },
		New:   func() Handler { return HandlerFunc(d.book) },
	}
}

func (d *desk) book(c *Context, m transport.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := c.Conn().ID()
	if d.has == nil {
		d.has = map[uint64]map[string]bool{}
	}
	if d.has[id] == nil {
		d.has[id] = map[string]bool{}
	}
	verb, key, _ := strings.Cut(string(m.Payload), " ")
	if on := verb == "sub"; d.has[id][key] == on {
		d.failed = append(d.failed, fmt.Sprintf("%s %s on connection %d, which has it so", verb, key, id))
	} else {
		d.has[id][key] = on
	}
}

func (s *schedule) want() string {
	key := fmt.Sprint(s.rand.IntN(4))
	_ = s.w.client.Want(key, words("sub "+key)) // an error means that it has stopped
	return "want " + key
}

func (s *schedule) unwant() string {
	key := fmt.Sprint(s.rand.IntN(4))
	_ = s.w.client.Unwant(key, words("unsub "+key))
	return "unwant " + key
}
