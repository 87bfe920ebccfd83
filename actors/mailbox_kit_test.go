package actors

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

// stage is a dispatcher of which the test is the only worker, so that nothing
// happens unless the test says so.
type stage struct {
	*dispatcher
	runs int // wake-ups so far
}

func newStage() *stage {
	d := newDispatcher()
	d.width, d.watching = 0, true // neither a worker nor the watchdog ever starts
	return &stage{dispatcher: d}
}

// step runs what was pushed first. It reports false if nothing was.
func (s *stage) step() bool {
	if s.head == len(s.queue) {
		return false
	}
	r := s.queue[s.head]
	s.head++
	s.runs++
	r.run()
	return true
}

// settle runs everything, and fails the test if there is no end.
func (s *stage) settle(t *testing.T) {
	t.Helper()
	for limit := s.runs + 10000; s.step(); {
		if s.runs > limit {
			t.Fatal("the mailbox is run again and again")
		}
	}
}

// player is an actor of which one sees what it is given. A string that begins
// with "panic" makes it fail as protoactor has it: its mailbox is suspended.
type player struct {
	box *mailbox
	log []string
	on  map[string]func() // what to do while it handles a message
}

func (p *player) InvokeSystemMessage(msg any) { p.handle("system ", msg) }
func (p *player) InvokeUserMessage(msg any)   { p.handle("", msg) }

func (p *player) handle(lane string, msg any) {
	name := fmt.Sprint(msg)
	p.log = append(p.log, lane+name)
	if f := p.on[name]; f != nil {
		f()
	}
	if strings.HasPrefix(name, "panic") {
		panic(name)
	}
}

func (p *player) EscalateFailure(reason, _ any) {
	p.log = append(p.log, fmt.Sprint("failed: ", reason))
	p.box.PostSystemMessage(&actor.SuspendMailbox{})
}

// saw fails the test unless exactly this was handled since it was asked last.
func (p *player) saw(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(p.log, want) {
		t.Errorf("handled %q; want %q", p.log, want)
	}
	p.log = nil
}

// play makes a mailbox with a player behind it that has been started.
func play(t *testing.T) (*mailbox, *player, *stage) {
	t.Helper()
	s := newStage()
	box := newMailbox(s.dispatcher)
	p := &player{box: box, on: map[string]func(){}}
	box.RegisterHandlers(p, nil)
	box.Start()
	return box, p, s
}

// own is a private message that shows what became of it.
type own struct {
	name string
	lost *[]string
}

func (*own) private()         {}
func (o *own) String() string { return o.name }
func (o *own) undelivered()   { *o.lost = append(*o.lost, o.name) }
