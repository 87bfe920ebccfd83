package actors

import (
	"fmt"
	"slices"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

func TestMailboxKeepsOrder(t *testing.T) {
	box, p, s := play(t)
	var want []string
	for i := range 300 { // more than a turn, and more than one ring
		want = append(want, fmt.Sprint(i))
		box.PostUserMessage(i)
	}
	s.settle(t)
	p.saw(t, want...)
}

func TestMailboxKeepsOrderWhenTheRingWrapsAndGrows(t *testing.T) {
	box, p, s := play(t)
	var want []string
	next := 0
	post := func(n int) {
		for range n {
			want = append(want, fmt.Sprint(next))
			box.PostUserMessage(next)
			next++
		}
	}
	for i := range 10 {
		post(3 + i)
		p.on[fmt.Sprint(next-2)] = func() { post(5 * i) } // while the ring is half empty
	}
	s.settle(t)
	p.saw(t, want...)
}

func TestSystemMessagesGoFirst(t *testing.T) {
	box, p, s := play(t)
	box.PostUserMessage("a")
	box.PostUserMessage("b")
	box.PostSystemMessage("x")
	p.on["a"] = func() { box.PostSystemMessage("y") }
	s.settle(t)
	p.saw(t, "system x", "a", "system y", "b")
}

func TestOrderedMessagesKeepTheirPlaceAmongSystemMessages(t *testing.T) {
	box, p, s := play(t)
	box.PostUserMessage("user")
	box.PostSystemMessage("before")
	box.postOrdered(&own{name: "ordered"})
	box.PostSystemMessage("behind")
	s.settle(t)
	p.saw(t, "system before", "ordered", "system behind", "user")
}

func TestNothingIsAllocatedBeforeTheFirstMessage(t *testing.T) {
	box, p, s := play(t)
	if box.mail != nil {
		t.Errorf("%+v before the first message", box.mail)
	}
	box.PostSystemMessage("started")
	s.settle(t)
	p.saw(t, "system started")
	if box.mail != nil {
		t.Errorf("%+v after the system messages of a start", box.mail)
	}
}

func TestMailboxNeedsNoAllocationPerMessage(t *testing.T) {
	box, _, _ := play(t)
	msg := any(&own{name: "m"})
	if n := testing.AllocsPerRun(100, func() {
		box.waiting().push(msg)
		if got := box.mail.pop(); got != msg {
			t.Fatalf("got %v", got)
		}
		box.tidy()
	}); n != 0 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}

func TestMemoryOfABurstIsGivenBack(t *testing.T) {
	box, _, s := play(t)
	for i := range 5000 {
		box.PostUserMessage(i)
	}
	if len(box.mail.ring) < 5000 {
		t.Fatalf("ring of %d", len(box.mail.ring))
	}
	s.settle(t)
	if box.mail != nil {
		t.Errorf("an empty mailbox keeps a ring of %d", len(box.mail.ring))
	}
	if m := mails.Get().(*mail); len(m.ring) > keptRing {
		t.Errorf("the next one gets a ring of %d; want at most %d", len(m.ring), keptRing)
	}
}

func TestHandledMessagesAreNotKept(t *testing.T) {
	box, _, s := play(t)
	for i := range 10 {
		box.PostUserMessage(i)
	}
	m := box.mail
	s.settle(t)
	for i, msg := range m.ring {
		if msg != nil {
			t.Errorf("entry %d of the ring still holds %v", i, msg)
		}
	}
}

func TestMailboxIsQuietUntilItIsStarted(t *testing.T) {
	s := newStage()
	box := newMailbox(s.dispatcher)
	p := &player{box: box}
	box.PostUserMessage("early")
	if box.tryRun("inline") {
		t.Error("it ran an actor that does not exist")
	}
	box.RegisterHandlers(p, nil)
	box.PostSystemMessage("started")
	box.PostUserMessage("later")
	s.settle(t)
	p.saw(t)
	if box.tryRun("inline") {
		t.Error("it ran an actor that was not started")
	}
	box.Start()
	s.settle(t)
	p.saw(t, "system started", "early", "later")
}

func TestATurnEndsForOthersToHaveTheirs(t *testing.T) {
	s := newStage()
	boxes := [2]*mailbox{}
	players := [2]*player{}
	for i := range boxes {
		boxes[i] = newMailbox(s.dispatcher)
		players[i] = &player{box: boxes[i]}
		boxes[i].RegisterHandlers(players[i], nil)
		boxes[i].Start()
		for n := range 3 * turnLimit {
			boxes[i].PostUserMessage(n)
		}
	}
	s.step()
	if n := len(players[0].log); n != turnLimit {
		t.Errorf("the first handled %d in its turn; want %d", n, turnLimit)
	}
	s.step()
	if n := len(players[1].log); n != turnLimit {
		t.Errorf("the second handled %d behind it; want %d", n, turnLimit)
	}
	s.settle(t)
	if len(players[0].log) != 3*turnLimit || len(players[1].log) != 3*turnLimit {
		t.Errorf("handled %d and %d", len(players[0].log), len(players[1].log))
	}
}

// A mailbox that is run when there is nothing it may do burns the CPU.
func TestSuspendedMailboxIsNotRun(t *testing.T) {
	box, p, s := play(t)
	box.PostSystemMessage(&actor.SuspendMailbox{})
	box.PostUserMessage("waits")
	s.settle(t)
	before := s.runs
	for range 1000 {
		box.PostUserMessage("waits too")
	}
	s.settle(t)
	if s.runs != before {
		t.Errorf("run %d times while suspended", s.runs-before)
	}
	p.saw(t)
	box.PostSystemMessage("stop")
	s.settle(t)
	p.saw(t, "system stop")
	box.PostSystemMessage(&actor.ResumeMailbox{})
	s.settle(t)
	if len(p.log) != 1001 {
		t.Errorf("handled %d after it was resumed; want 1001", len(p.log))
	}
}

func TestMailboxIsRunOncePerBurst(t *testing.T) {
	box, _, s := play(t)
	for i := range turnLimit {
		box.PostUserMessage(i)
	}
	s.settle(t)
	if s.runs > 2 {
		t.Errorf("run %d times for one turn", s.runs)
	}
	before := s.runs
	s.settle(t)
	if s.runs != before {
		t.Error("an empty mailbox is run")
	}
}

func TestFailureSuspendsAndKeepsTheOrderOfTheRest(t *testing.T) {
	box, p, s := play(t)
	for _, m := range []string{"a", "panic at b", "c", "d"} {
		box.PostUserMessage(m)
	}
	s.settle(t)
	p.saw(t, "a", "panic at b", "failed: panic at b")
	box.PostUserMessage("e")
	box.PostSystemMessage("restart")
	box.PostSystemMessage(&actor.ResumeMailbox{})
	s.settle(t)
	p.saw(t, "system restart", "c", "d", "e")
}

func TestPanicInASystemMessageIsAFailureToo(t *testing.T) {
	box, p, s := play(t)
	box.PostSystemMessage("panic in Started")
	box.PostUserMessage("waits")
	s.settle(t)
	p.saw(t, "system panic in Started", "failed: panic in Started")
}

func TestEvictTakesTheOldestThatMatches(t *testing.T) {
	isString := func(msg any) bool { _, ok := msg.(string); return ok }
	for shift := range 12 { // wherever the ring begins
		box, p, s := play(t)
		for i := range shift {
			box.PostUserMessage(i)
		}
		s.settle(t)
		p.log = nil
		for _, m := range []any{1, "two", 3, "four", 5} {
			box.PostUserMessage(m)
		}
		if got := box.evict(isString); got != "two" {
			t.Fatalf("evicted %v; want two", got)
		}
		if n := box.UserMessageCount(); n != 4 {
			t.Errorf("%d are left; want 4", n)
		}
		s.settle(t)
		p.saw(t, "1", "3", "four", "5")
		if got := box.evict(isString); got != nil {
			t.Errorf("evicted %v from an empty mailbox", got)
		}
	}
}

func TestEvictWithoutAMatchChangesNothing(t *testing.T) {
	box, p, s := play(t)
	for i := range 5 {
		box.PostUserMessage(i)
	}
	if got := box.evict(func(any) bool { return false }); got != nil {
		t.Errorf("evicted %v", got)
	}
	s.settle(t)
	p.saw(t, "0", "1", "2", "3", "4")
}

func TestFullMailboxTakesOnlyWhatSteersIt(t *testing.T) {
	box, _, _ := play(t)
	for i := range mailboxLimit {
		box.PostUserMessage(i)
	}
	box.PostUserMessage("one too many")
	if n := box.UserMessageCount(); n != mailboxLimit {
		t.Fatalf("%d wait; want %d", n, mailboxLimit)
	}
	for i, msg := range []any{&own{}, &actor.PoisonPill{}, &actor.ReceiveTimeout{}} {
		box.PostUserMessage(msg)
		if n := box.UserMessageCount(); n != mailboxLimit+i+1 {
			t.Errorf("%T was refused", msg)
		}
	}
}

func TestStoppedMailboxGivesWhatWaitsItsOutcome(t *testing.T) {
	box, p, s := play(t)
	var lost []string
	for _, name := range []string{"a", "b", "c"} {
		box.PostUserMessage(&own{name: name, lost: &lost})
	}
	box.Stopped(nil)
	if !slices.Equal(lost, []string{"a", "b", "c"}) {
		t.Errorf("lost %q; want all, in order", lost)
	}
	if box.mail != nil {
		t.Error("it keeps its mail")
	}
	box.PostUserMessage(&own{name: "d", lost: &lost})
	box.postOrdered(&own{name: "e", lost: &lost})
	if !slices.Equal(lost, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("lost %q; want also what came later", lost)
	}
	if box.tryRun("inline") {
		t.Error("it ran an actor that is gone")
	}
	s.settle(t)
	p.saw(t)
}
