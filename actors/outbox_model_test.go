package actors

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hawser-go/hawser/transport"
)

// modelled is one accepted message as the model sees it.
type modelled struct {
	id   uint64
	size int
	at   int64
}

// outboxModel is what an outbox is meant to be: two queues, of which the writer
// has the beginning of one. Its clock ticks with each message.
type outboxModel struct {
	*outboxBench
	rt    *rapid.T
	clock int64
	lanes [2][]modelled // set-up, data
	want  map[uint64]Outcome

	chunk *chunk // what the writer has
	from  int    // the lane it is from
	begun int    // bytes of lanes[from] that are gone but for which no message is written
	seal  bool
}

const modelAge = 40 // ticks

func newOutboxModel(rt *rapid.T) *outboxModel {
	limits := OutboxLimits{Messages: 30, Bytes: 150 << 10, Age: modelAge}
	return &outboxModel{
		outboxBench: newOutboxBench(rt, limits), rt: rt, want: map[uint64]Outcome{},
	}
}

func (m *outboxModel) end(lane int, result Result, reason Reason) {
	first := m.lanes[lane][0]
	m.lanes[lane] = m.lanes[lane][1:]
	m.want[first.id] = Outcome{ID: first.id, Result: result, Reason: reason}
}

func (m *outboxModel) sum() (count, size int) {
	for _, l := range m.lanes {
		for _, e := range l {
			count++
			size += e.size
		}
	}
	return count, size
}

func (m *outboxModel) accept(rt *rapid.T) {
	n := rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(0, 70<<10), rapid.Just(200<<10)).Draw(rt, "size")
	onSetup := rapid.IntRange(0, 4).Draw(rt, "set-up") == 0
	count, size := m.sum()
	frame := transport.HeaderSize(n, false) + n
	id, err := m.add(transport.Binary, make([]byte, n), pick(onSetup, m.epoch, 0))
	var tooBig *MessageTooBigError
	switch {
	case frame > m.limits.Bytes:
		if !errors.As(err, &tooBig) {
			rt.Fatalf("%d bytes: %v", frame, err)
		}
	case size+frame > m.limits.Bytes, count >= m.limits.Messages:
		if !errors.Is(err, ErrOutboxFull) {
			rt.Fatalf("%d bytes on top of %d in %d messages: %v", frame, size, count, err)
		}
	case err != nil:
		rt.Fatalf("%d bytes on top of %d in %d messages: %v", frame, size, count, err)
	default:
		m.clock++
		l, q := 1, &m.data
		if onSetup {
			l, q = 0, &m.setup
		}
		q.tail.entries[len(q.tail.entries)-1].at = m.clock
		m.lanes[l] = append(m.lanes[l], modelled{id: id, size: frame, at: m.clock})
	}
}

func (m *outboxModel) takeNext(rt *rapid.T) {
	if m.chunk != nil {
		rt.Skip("the writer has one")
	}
	held := m.held
	c := m.take()
	from := 1
	if len(m.lanes[0]) > 0 {
		from = 0
	}
	if none := len(m.lanes[from]) == 0 || from == 1 && held; none != (c == nil) {
		rt.Fatalf("took %v of %v, held %v", c, m.lanes, held)
	}
	if c == nil {
		return
	}
	for i, e := range c.entries[c.first:] {
		if e.id != m.lanes[from][i].id {
			rt.Fatalf("took %v; the queue is %v", c.entries[c.first:], m.lanes[from])
		}
	}
	m.chunk, m.from, m.begun, m.seal = c, from, 0, false
}

func (m *outboxModel) write(rt *rapid.T) {
	if m.chunk == nil {
		rt.Skip("the writer has none")
	}
	m.seal = true
	left, size := m.chunk.left(), len(m.chunk.unsent())
	n := rapid.IntRange(0, size).Draw(rt, "bytes")
	m.begun += n
	for ; left > 0 && m.begun >= m.lanes[m.from][0].size; left-- {
		m.begun -= m.lanes[m.from][0].size
		m.end(m.from, Written, 0)
	}
	if over := m.writes(m.chunk, n); over != (left == 0) {
		rt.Fatalf("over %v with %d left", over, left)
	}
	if left == 0 {
		m.chunk = nil
	}
}

// die is the end of a socket, at any moment.
func (m *outboxModel) die(rt *rapid.T) {
	if m.chunk == nil {
		rt.Skip("the writer has none")
	}
	window := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 70<<10)).Draw(rt, "window")
	touched := m.begun + window
	for n := m.chunk.left(); n > 0 && touched > 0; n-- {
		touched -= m.lanes[m.from][0].size
		m.end(m.from, Unknown, 0)
	}
	m.giveBack(m.chunk, window)
	m.chunk = nil
}

// rework is a middleware that drops some messages and changes the size of others.
func (m *outboxModel) rework(rt *rapid.T) {
	if m.chunk == nil || m.seal {
		rt.Skip("nothing that a middleware may still see")
	}
	buf := transport.NewBuffer(1 << 10)
	var kept []entry
	var dropped []Outcome
	queue := m.lanes[m.from]
	n := m.chunk.left()
	var after []modelled
	for i, e := range m.chunk.entries[m.chunk.first:] {
		if rapid.IntRange(0, 2).Draw(rt, "drop") == 0 {
			dropped = append(dropped, Outcome{ID: e.id, Result: Dropped, Reason: Rejected})
			m.want[e.id] = dropped[len(dropped)-1]
			continue
		}
		before := len(buf.B)
		buf.B = transport.AppendFrame(buf.B, byte(transport.Binary), make([]byte, rapid.IntRange(0, 500).Draw(rt, "size")), false)
		e.size = int32(len(buf.B) - before)
		kept = append(kept, e)
		after = append(after, modelled{id: e.id, size: int(e.size), at: queue[i].at})
	}
	m.lanes[m.from] = append(after, queue[n:]...)
	m.seal = true
	if over := m.swap(m.chunk, buf, kept, dropped); over != (len(kept) == 0) {
		rt.Fatalf("over %v with %d left", over, len(kept))
	}
	if len(kept) == 0 {
		m.chunk = nil
	}
}

func (m *outboxModel) grow(rt *rapid.T) {
	m.clock += int64(rapid.IntRange(1, modelAge).Draw(rt, "ticks"))
	var next int64
	if taken := m.chunk != nil && m.from == 1; !taken {
		for len(m.lanes[1]) > 0 && m.lanes[1][0].at <= m.clock-modelAge {
			m.end(1, Dropped, Expired)
		}
		if len(m.lanes[1]) > 0 {
			next = m.lanes[1][0].at + modelAge
		}
	}
	got := m.expire(time.Unix(0, m.clock))
	if next == 0 != got.IsZero() || next != 0 && got.UnixNano() != next {
		rt.Fatalf("next at %v; want %d", got, next)
	}
}

// resetSetup is the end of an incarnation: of its set-up messages only those stay
// that a writer has.
func (m *outboxModel) resetSetup(*rapid.T) {
	var stay []modelled
	if m.chunk != nil && m.from == 0 {
		n := m.chunk.left()
		stay = m.lanes[0][:n:n]
		m.lanes[0] = m.lanes[0][n:]
	}
	for len(m.lanes[0]) > 0 {
		m.end(0, Dropped, Superseded)
	}
	m.lanes[0] = stay
	m.clearSetup()
	m.epoch = 1 // the next connection
}

func (m *outboxModel) toggle(rt *rapid.T) { m.hold(rapid.Bool().Draw(rt, "hold")) }

// check compares the outbox with the model.
func (m *outboxModel) check(rt *rapid.T) {
	m.balanced()
	var waiting []uint64
	for _, l := range m.lanes {
		for _, e := range l {
			waiting = append(waiting, e.id)
		}
	}
	if got := m.waiting(); !slices.Equal(got, waiting) {
		rt.Fatalf("%v wait; want %v", got, waiting)
	}
	if len(m.outcomes) != len(m.want) {
		rt.Fatalf("%d outcomes; want %d", len(m.outcomes), len(m.want))
	}
	for id, want := range m.want {
		if got := m.outcomes[id]; len(got) != 1 || got[0] != want {
			rt.Fatalf("message %d ended as %v; want %v", id, got, want)
		}
	}
	if accepted := m.ledger.accepted.Load(); accepted != m.nextID || int(accepted) != len(waiting)+len(m.want) {
		rt.Fatalf("accepted %d, %d wait and %d ended", accepted, len(waiting), len(m.want))
	}
}

func TestEveryAcceptedMessageHasOneOutcome(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newOutboxModel(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"accept": m.accept, "accept more": m.accept, "take": m.takeNext, "write": m.write, "socket dies": m.die,
			"middleware": m.rework, "time passes": m.grow, "set-up ends": m.resetSetup, "hold": m.toggle, "": m.check,
		})
		if m.chunk != nil {
			m.giveBack(m.chunk, 0)
			for m.begun > 0 {
				m.begun -= m.lanes[m.from][0].size
				m.end(m.from, Unknown, 0)
			}
		}
		for l := range m.lanes {
			for len(m.lanes[l]) > 0 {
				m.end(l, Dropped, Closed)
			}
		}
		m.close(ErrStopped)
		m.check(rt)
		if m.count != 0 || m.bytes != 0 || m.ledger.inFlight.Load() != 0 {
			rt.Fatalf("%d messages and %d bytes are left, %d in flight", m.count, m.bytes, m.ledger.inFlight.Load())
		}
	})
}

// Many senders and one writer whose sockets die: nothing is lost or told twice,
// and what is written keeps each sender's order.
func TestOutboxUnderConcurrentUse(t *testing.T) {
	const senders, each = 6, 3000
	var mu sync.Mutex
	ended := map[uint64]int{}
	var written []uint64
	o := &outbox{limits: OutboxLimits{Messages: 500, Bytes: 1 << 20, Age: time.Hour}, ledger: &ledger{}, masked: true}
	o.settled = func(done []Outcome) {
		mu.Lock()
		defer mu.Unlock()
		for _, d := range done {
			ended[d.ID]++
			if d.Result == Written {
				written = append(written, d.ID)
			}
		}
	}
	accepted := make([][]uint64, senders)
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for len(accepted[s]) < each {
				if id, err := o.add(transport.Binary, make([]byte, rand.IntN(400)), 0); err == nil {
					accepted[s] = append(accepted[s], id)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { all.Wait(); close(over) }()
	writeUntil(o, over)

	total := 0
	for s := range accepted {
		total += len(accepted[s])
		if !slices.IsSorted(accepted[s]) {
			t.Error("numbers do not grow")
		}
		for _, id := range accepted[s] {
			if ended[id] != 1 {
				t.Fatalf("message %d has %d outcomes", id, ended[id])
			}
		}
	}
	if !slices.IsSorted(written) {
		t.Error("written out of order")
	}
	b := o.ledger.books()
	if !b.Balanced() || b.InFlight != 0 || b.Accepted != uint64(total) || o.count != 0 || o.bytes != 0 {
		t.Errorf("%s; %d messages and %d bytes counted", b, o.count, o.bytes)
	}
}

// writeUntil is a writer whose sockets take a part of each write and often die.
func writeUntil(o *outbox, over <-chan struct{}) {
	for {
		o.expire(time.Now())
		c := o.take()
		if c == nil {
			select {
			case <-over:
				if !o.pending() {
					return
				}
			default:
			}
			continue
		}
		for alive := true; alive; {
			c.seal(true)
			p := c.unsent()
			if o.writes(c, rand.IntN(len(p)+1)) {
				break
			}
			if alive = rand.IntN(8) > 0; !alive {
				o.giveBack(c, rand.IntN(2)*rand.IntN(500))
			}
		}
	}
}
