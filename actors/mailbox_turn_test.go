package actors

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

func TestIdleActorRunsOnTheCallersThread(t *testing.T) {
	box, p, s := play(t)
	if !box.tryRun("inline") {
		t.Fatal("refused")
	}
	p.saw(t, "inline")
	if s.runs != 0 || s.step() {
		t.Error("a worker was woken for it")
	}
}

func TestTurnEndsWithWhatCameMeanwhile(t *testing.T) {
	box, p, _ := play(t)
	p.on["inline"] = func() {
		box.PostUserMessage("queued")
		box.PostSystemMessage("first")
	}
	box.tryRun("inline")
	p.saw(t, "inline", "system first", "queued")
}

// The thread that reads a socket must get back to it.
func TestTurnOnTheCallersThreadIsBounded(t *testing.T) {
	box, p, s := play(t)
	p.on["inline"] = func() {
		for i := range 10 * turnLimit {
			box.PostUserMessage(i)
		}
	}
	box.tryRun("inline")
	if n := len(p.log); n > turnLimit+1 {
		t.Errorf("handled %d on the caller's thread; want at most a turn", n)
	}
	s.settle(t)
	if n := len(p.log); n != 10*turnLimit+1 {
		t.Errorf("handled %d; want all", n)
	}
}

func TestBusyActorIsNotRunByAnother(t *testing.T) {
	suspended := func(box *mailbox, s *stage) {
		box.PostSystemMessage(&actor.SuspendMailbox{})
		for s.step() {
		}
	}
	tests := []struct {
		name string
		make func(box *mailbox, s *stage)
	}{
		{"with a user message queued", func(box *mailbox, _ *stage) { box.PostUserMessage("queued") }},
		{"with a system message queued", func(box *mailbox, _ *stage) { box.PostSystemMessage("queued") }},
		{"suspended", suspended},
		{"suspended, with a message queued", func(box *mailbox, s *stage) { suspended(box, s); box.PostUserMessage("queued") }},
		{"stopped", func(box *mailbox, _ *stage) { box.Stopped(nil) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			box, p, s := play(t)
			test.make(box, s)
			before := box.UserMessageCount()
			if box.tryRun("inline") {
				t.Error("it was run")
			}
			if box.UserMessageCount() != before {
				t.Error("the message was queued although it was refused")
			}
			p.saw(t)
		})
	}
}

func TestActorDoesNotRunItself(t *testing.T) {
	box, p, s := play(t)
	p.on["outer"] = func() {
		if box.tryRun("inner") {
			t.Error("it runs within itself")
		}
		box.deliver("delivered")
		p.log = append(p.log, "outer ends")
	}
	box.tryRun("outer")
	s.settle(t)
	p.saw(t, "outer", "outer ends", "delivered")
}

func TestDeliverQueuesBehindWhatWaits(t *testing.T) {
	box, p, s := play(t)
	box.PostUserMessage("a")
	box.deliver("b")
	p.saw(t)
	s.settle(t)
	p.saw(t, "a", "b")
}

func TestPanicInATurnIsTheActorsFailureAndNotTheCallers(t *testing.T) {
	box, p, s := play(t)
	p.on["panic inline"] = func() { box.PostUserMessage("waits") }
	if !box.tryRun("panic inline") { // a panic would end this test
		t.Fatal("refused")
	}
	p.saw(t, "panic inline", "failed: panic inline")
	if box.tryRun("while it is suspended") {
		t.Error("it was run before its supervisor had decided")
	}
	box.PostSystemMessage(&actor.ResumeMailbox{})
	s.settle(t)
	p.saw(t, "waits")
}
