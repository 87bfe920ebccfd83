package actors

import (
	"slices"
	"testing"

	"github.com/hawser-go/hawser/transport"
)

// idler is a module whose actor does nothing: what it is given waits.
type idler struct {
	*target
	t    *testing.T
	conn *Conn
}

func newIdler(t *testing.T, m Module, limit int64) *idler {
	t.Helper()
	s := newStage()
	side := &side{}
	i := &idler{t: t, target: &target{module: &m, side: side, box: newMailbox(s.dispatcher), brake: brake{limit: limit}}}
	i.conn = &Conn{
		side: side, out: &outbox{limits: &OutboxLimits{}, ledger: &side.ledger}, connection: newMailbox(s.dispatcher),
		pauses: 1, // so that the socket, which there is not, is left alone
	}
	return i
}

// give brings a batch with messages that cost this much, payload and all.
func (i *idler) give(costs ...int) {
	i.t.Helper()
	b := &transport.Batch{}
	b.Retain() // never released: it is not from the pool
	for _, n := range costs {
		b.Messages = append(b.Messages, transport.Message{Kind: transport.Binary, Payload: make([]byte, n-messageCost)})
	}
	g := &group{module: i.module, instances: []*target{i.target}}
	newTable(ToAll, []*group{g}, nil).at("").route(i.conn, b, b.Messages, false)
}

// queue returns what each of the messages that wait costs.
func (i *idler) queue() (costs []int) {
	for n := range i.box.mail.users() {
		d := i.box.mail.at(n).(*delivery)
		for _, m := range d.msgs {
			costs = append(costs, len(m.Payload)+messageCost)
		}
	}
	return costs
}

// work handles the delivery that has waited longest.
func (i *idler) work() {
	d := i.box.mail.pop().(*delivery)
	d.done = d.len()
	d.finish()
}

// paused reports whether the connection is not read.
func (i *idler) paused() bool { return i.conn.pauses > 1 }

// holds fails the test unless exactly this waits.
func (i *idler) holds(costs ...int) {
	i.t.Helper()
	if got := i.queue(); !slices.Equal(got, costs) {
		i.t.Errorf("messages of %v wait; want %v", got, costs)
	}
}

func (i *idler) discarded(want uint64) {
	i.t.Helper()
	if got := i.side.counters.discarded.Load(); got != want {
		i.t.Errorf("%d are counted as discarded; want %d", got, want)
	}
}

func TestModuleGetsWhatItMatches(t *testing.T) {
	i := newIdler(t, Module{Match: func(m transport.Message) bool { return len(m.Payload)%2 == 0 }}, 1000)
	i.give(101, 102, 103, 104)
	i.give(105, 107)
	i.holds(102, 104)
	if got := i.waits.Load(); got != 206 {
		t.Errorf("%d bytes wait; want 206", got)
	}
}

func TestBlockPausesTheConnectionUntilTheQueueIsHalfEmpty(t *testing.T) {
	i := newIdler(t, Module{Overflow: Block}, 1000)
	i.give(600)
	if i.paused() {
		t.Fatal("paused below the limit")
	}
	i.give(500)
	i.give(101) // another read was under way
	i.holds(600, 500, 101)
	if !i.paused() || i.conn.pauses != 2 {
		t.Fatalf("paused %d times above the limit; want once", i.conn.pauses-1)
	}
	i.work()
	if !i.paused() {
		t.Error("resumed with more than half of the limit waiting")
	}
	i.work()
	if i.paused() {
		t.Error("not resumed although the queue is half empty")
	}
	i.work()
	i.discarded(0)
	if i.conn.pauses != 1 || i.waits.Load() != 0 {
		t.Errorf("in the end %d pauses and %d bytes", i.conn.pauses-1, i.waits.Load())
	}
}

func TestDropOldestMakesRoomForTheLatest(t *testing.T) {
	i := newIdler(t, Module{Overflow: DropOldest}, 1000)
	for n := 500; n < 506; n++ {
		i.give(n)
	}
	i.holds(505)
	i.discarded(5)
	i.work()
	if i.waits.Load() != 0 || i.paused() {
		t.Errorf("in the end %d bytes wait, paused %v", i.waits.Load(), i.paused())
	}
}

func TestDropNewestKeepsWhatWaits(t *testing.T) {
	i := newIdler(t, Module{Overflow: DropNewest}, 1000)
	i.give(600)
	i.give(500, 101)
	i.give(300)
	i.holds(600, 300)
	i.discarded(2)
	i.work()
	i.work()
	if i.waits.Load() != 0 {
		t.Errorf("in the end %d bytes wait", i.waits.Load())
	}
}

func TestCloseSlowClosesTheConnection(t *testing.T) {
	i := newIdler(t, Module{Name: "slow", Overflow: CloseSlow}, 1000)
	i.give(600)
	i.give(500)
	i.holds(600)
	i.discarded(1)
	if n := i.conn.connection.UserMessageCount(); n != 1 {
		t.Fatalf("%d messages to the connection; want a Close", n)
	}
	if m, ok := i.conn.connection.mail.pop().(*Close); !ok || m.Code != transport.TryAgainLater {
		t.Errorf("got %+v; want a Close with 1013", m)
	}
}

func TestWithoutALimitEverythingWaits(t *testing.T) {
	i := newIdler(t, Module{Overflow: DropNewest}, -1)
	for range 100 {
		i.give(1 << 10)
	}
	if n := len(i.queue()); n != 100 {
		t.Errorf("%d wait; want all", n)
	}
	i.discarded(0)
}

func TestMessagesForAModuleThatEndedAreCounted(t *testing.T) {
	i := newIdler(t, Module{Overflow: Block}, 1000)
	i.give(600)
	i.give(600, 101)
	if !i.paused() {
		t.Fatal("not paused above the limit")
	}
	i.box.Stopped(nil)
	i.ended()
	i.give(101, 102)
	if got := i.side.counters.unrouted.Load(); got != 5 {
		t.Errorf("%d are counted as unrouted; want 5", got)
	}
	if i.paused() || i.waits.Load() != 0 {
		t.Errorf("in the end paused %v, %d bytes wait", i.paused(), i.waits.Load())
	}
}

// A queue of many small deliveries must not become one of as many large ones.
func TestDropOldestKeepsToTheLimit(t *testing.T) {
	const limit = 10_000
	i := newIdler(t, Module{Overflow: DropOldest}, limit)
	for range 100 {
		i.give(100)
	}
	for range 50 {
		i.give(5000)
	}
	if got := i.waits.Load(); got > limit+5000 {
		t.Errorf("%d bytes wait; the limit is %d, give or take one read", got, limit)
	}
}

// A message costs memory though it has no payload: its delivery, and the buffer
// of the read that brought it.
func TestMessagesWithoutPayloadAreBoundedToo(t *testing.T) {
	const limit = 1 << 20
	i := newIdler(t, Module{Overflow: DropNewest}, limit)
	const given = 200_000
	for range given {
		i.give(messageCost)
	}
	if n := i.box.UserMessageCount(); n == given {
		t.Errorf("%d deliveries wait in a queue of %d bytes", n, limit)
	}
}
