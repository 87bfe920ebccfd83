package actors

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/hawser-go/hawser/transport"
)

// modelled is one accepted message as the model sees it.
type modelled struct {
	id       uint64
	frame    []byte
	at       time.Time
	due      time.Time // zero: never
	post     Outgoing
	identity int
	receipt  *Receipt // nil: sent plainly
	newer    bool     // a later one of its key was accepted while the writer had it
	acked    bool     // while the writer had it
	gone     bool     // written, at some time
}

// outboxModel is what an outbox is meant to be: two queues, of which the writer
// has the beginning of one, and those that wait for their ack. Its time is that
// of a bubble.
type outboxModel struct {
	*outboxBench
	rt       *rapid.T
	lanes    [2][]*modelled // set-up, data
	unacked  []*modelled
	all      []*modelled // with receipts
	want     map[uint64]Outcome
	identity int

	chunk *chunk // what the writer has
	from  int    // the lane it is from
	has   int    // how many messages of it
	begun int    // bytes of lanes[from] that are gone but for which no message is written
	seal  bool
}

const (
	modelAge = 40 * time.Second
	modelAck = 25 * time.Second
)

func newOutboxModel(rt *rapid.T) *outboxModel {
	policy := rapid.SampledFrom([]OverflowPolicy{RejectNewest, DropOldest, DropNewest, Block, CloseSlow}).Draw(rt, "policy")
	limits := OutboxLimits{Messages: 30, Bytes: 150 << 10, Age: modelAge, Overflow: policy, AckTimeout: modelAck}
	if rapid.IntRange(0, 3).Draw(rt, "no age") == 0 {
		limits.Age = -1
	}
	return &outboxModel{outboxBench: newOutboxBench(rt, limits), rt: rt, want: map[uint64]Outcome{}}
}

// over gives a message its outcome.
func (m *outboxModel) over(e *modelled, result Result, reason Reason) {
	if e.acked {
		result, reason = Acked, 0
	}
	m.want[e.id] = Outcome{ID: e.id, Result: result, Reason: reason}
}

// first ends the first message of a lane.
func (m *outboxModel) first(lane int, result Result, reason Reason) {
	m.over(m.lanes[lane][0], result, reason)
	m.lanes[lane] = m.lanes[lane][1:]
	if m.chunk != nil && lane == m.from {
		m.has--
	}
}

// taken is how many messages of a lane the writer has.
func (m *outboxModel) taken(lane int) int {
	if m.chunk != nil && m.from == lane {
		return m.has
	}
	return 0
}

// drop ends the waiting messages of a lane that match.
func (m *outboxModel) drop(lane int, reason Reason, match func(*modelled) bool) {
	n := m.taken(lane)
	rest := slices.Clone(m.lanes[lane][:n])
	for _, e := range m.lanes[lane][n:] {
		if match(e) {
			m.over(e, Dropped, reason)
		} else {
			rest = append(rest, e)
		}
	}
	m.lanes[lane] = rest
}

func (m *outboxModel) ackless(match func(*modelled) bool) {
	m.unacked = slices.DeleteFunc(m.unacked, func(e *modelled) bool {
		if match(e) {
			m.over(e, Unknown, 0)
			return true
		}
		return false
	})
}

// fits reports whether the data has room for a message.
func (m *outboxModel) fits(e *modelled) bool {
	count, size := len(m.unacked), len(e.frame)
	for i, q := range m.lanes[1] {
		if i >= m.taken(1) && e.post.Class == KeepLatest && q.post.Class == KeepLatest && q.post.Key == e.post.Key {
			continue // e takes its place
		}
		count++
		size += len(q.frame)
	}
	return count < m.limits.Messages && size <= m.limits.Bytes
}

// undroppable reports whether a message has no room even in a queue without data.
func (m *outboxModel) undroppable(e *modelled) bool {
	waiting := m.lanes[1]
	defer func() { m.lanes[1] = waiting }()
	m.lanes[1] = waiting[:m.taken(1)]
	return !m.fits(e)
}

func (m *outboxModel) put(rt *rapid.T, lane int, e *modelled) {
	id, err := m.hand(lane, e)
	var tooBig *MessageTooBigError
	policy := m.limits.Overflow
	size := 0
	for _, q := range m.lanes[0] {
		size += len(q.frame)
	}
	switch {
	case len(e.frame) > pick(lane == 0, setupLimit, m.limits.Bytes):
		if !errors.As(err, &tooBig) {
			rt.Fatalf("%d bytes: %v", len(e.frame), err)
		}
		return
	case lane == 1 && (e.post.TTL < 0 || e.post.Class == Volatile && m.held):
		m.accepted(rt, e, id, err)
		m.over(e, Dropped, Expired)
		return
	case lane == 1 && m.fits(e), lane == 0 && size+len(e.frame) <= setupLimit:
	case lane == 1 && policy == DropNewest:
		m.accepted(rt, e, id, err)
		m.over(e, Dropped, Overflow)
		return
	case lane == 1 && policy == DropOldest && !m.undroppable(e):
		for !m.fits(e) {
			oldest := m.lanes[1][m.taken(1)]
			m.drop(1, Overflow, func(q *modelled) bool { return q == oldest })
		}
	case lane == 1 && policy == Block && e.receipt != nil || err == nil:
		rt.Fatalf("%d bytes into a full outbox: %v", len(e.frame), err)
	case lane == 1 && policy == Block && errors.Is(err, context.Canceled) || errors.Is(err, ErrOutboxFull):
		return
	default:
		rt.Fatalf("%d bytes into a full outbox: %v", len(e.frame), err)
	}
	m.accepted(rt, e, id, err)
	if e.post.Class == KeepLatest {
		for _, q := range m.lanes[1][:m.taken(1)] {
			q.newer = q.newer || q.post.Class == KeepLatest && q.post.Key == e.post.Key
		}
		m.drop(1, Superseded, func(q *modelled) bool { return q.post.Class == KeepLatest && q.post.Key == e.post.Key })
	}
	m.lanes[lane] = append(m.lanes[lane], e)
}

// hand gives a message to the outbox.
func (m *outboxModel) hand(lane int, e *modelled) (id uint64, err error) {
	n := len(e.post.Payload)
	e.post.Payload = body(m.nextID+1, n)
	e.frame = frameOf(m.nextID+1, n)
	e.at, e.identity = time.Now(), m.identity
	if e.post.TTL > 0 {
		e.due = e.at.Add(e.post.TTL)
	}
	if lane == 0 {
		return m.add(transport.Binary, e.post.Payload, m.epoch)
	}
	if e.post.Kind == 0 {
		return m.add(transport.Binary, e.post.Payload, 0)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // it bounds nothing but waiting for room
	if e.receipt, err = m.post(ctx, &e.post); err == nil {
		id = e.receipt.ID()
		m.all = append(m.all, e)
	}
	return id, err
}

func (m *outboxModel) accepted(rt *rapid.T, e *modelled, id uint64, err error) {
	if err != nil || id != m.nextID {
		rt.Fatalf("%d bytes, %+v: number %d, %v", len(e.frame), e.post.Class, id, err)
	}
	e.id = id
}

func drawSize(rt *rapid.T, big int) []byte {
	return make([]byte, rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(0, 70<<10), rapid.Just(big)).Draw(rt, "size"))
}

func (m *outboxModel) send(rt *rapid.T) {
	if rapid.IntRange(0, 4).Draw(rt, "set-up") == 0 {
		m.put(rt, 0, &modelled{post: Outgoing{Payload: drawSize(rt, 3<<20)}})
		return
	}
	m.put(rt, 1, &modelled{post: Outgoing{Payload: drawSize(rt, 200<<10)}})
}

func (m *outboxModel) postOne(rt *rapid.T) {
	p := Outgoing{
		Kind: transport.Binary, Payload: drawSize(rt, 140<<10), Class: Class(rapid.IntRange(0, classes-1).Draw(rt, "class")),
		Bound: rapid.Bool().Draw(rt, "bound"), Ack: rapid.Bool().Draw(rt, "ack"),
		TTL: rapid.SampledFrom([]time.Duration{0, 0, time.Second, 10 * time.Second, time.Minute, -1}).Draw(rt, "ttl"),
	}
	if p.Class == KeepLatest {
		p.Key = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "key")
	}
	m.put(rt, 1, &modelled{post: p})
}

// sweep ends what is overdue now.
func (m *outboxModel) sweep() {
	now := time.Now()
	m.drop(1, Expired, func(e *modelled) bool {
		return m.limits.Age > 0 && now.Sub(e.at) >= modelAge || !e.due.IsZero() && !now.Before(e.due)
	})
	m.ackless(func(e *modelled) bool { return !now.Before(e.due) })
}

func (m *outboxModel) takeNext(rt *rapid.T) {
	if m.chunk != nil {
		rt.Skip("the writer has one")
	}
	m.sweep()
	c := m.take()
	from := 1
	if len(m.lanes[0]) > 0 {
		from = 0
	}
	if none := len(m.lanes[from]) == 0 || from == 1 && m.held; none != (c == nil) {
		rt.Fatalf("took %v of %v, held %v", c, m.lanes, m.held)
	}
	if c == nil {
		return
	}
	var bytesOf []byte
	for i, e := range c.entries[c.first:] {
		q := m.lanes[from][i]
		if e.id != q.id {
			rt.Fatalf("took %v; the queue is %v", c.entries[c.first:], m.lanes[from])
		}
		bytesOf = append(bytesOf, q.frame...)
	}
	if !bytes.Equal(c.unsent(), bytesOf) {
		rt.Fatalf("the frames of %v are not what was accepted", c.entries[c.first:])
	}
	m.chunk, m.from, m.has, m.begun, m.seal = c, from, c.live(), 0, false
}

func (m *outboxModel) write(rt *rapid.T) {
	if m.chunk == nil {
		rt.Skip("the writer has none")
	}
	m.seal = true
	size := len(m.chunk.unsent())
	n := rapid.OneOf(rapid.IntRange(0, size), rapid.Just(size)).Draw(rt, "bytes")
	m.begun += n
	for m.has > 0 && m.begun >= len(m.lanes[m.from][0].frame) {
		e := m.lanes[m.from][0]
		m.begun -= len(e.frame)
		e.gone = true
		switch {
		case !e.post.Ack:
			m.first(m.from, Written, 0)
		case e.acked || m.held:
			m.first(m.from, Unknown, 0)
		default:
			m.lanes[1] = m.lanes[1][1:]
			m.has--
			e.due = time.Now().Add(modelAck)
			m.unacked = append(m.unacked, e)
		}
	}
	if over := m.writes(m.chunk, n); over != (m.has == 0) {
		rt.Fatalf("over %v with %d left", over, m.has)
	}
	if m.has == 0 {
		m.chunk = nil
	}
}

// die is the end of a socket, at any moment.
func (m *outboxModel) die(rt *rapid.T) {
	if m.chunk == nil {
		rt.Skip("the writer has none")
	}
	window := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 70<<10)).Draw(rt, "window")
	m.giveBackAll(window)
}

func (m *outboxModel) giveBackAll(window int) {
	touched := m.begun + window
	for m.has > 0 && touched > 0 {
		touched -= len(m.lanes[m.from][0].frame)
		m.first(m.from, Unknown, 0)
	}
	m.giveBack(m.chunk, window)
	m.chunk = nil
	if m.from == 1 {
		m.drop(1, Closed, func(e *modelled) bool { return e.acked })
		m.drop(1, Expired, func(e *modelled) bool { return e.post.Class == Volatile && m.held })
		m.drop(1, Superseded, func(e *modelled) bool { return e.newer || e.post.Bound && e.identity != m.identity })
	}
}

// rework is a middleware that drops some messages and changes others.
func (m *outboxModel) rework(rt *rapid.T) {
	if m.chunk == nil || m.seal {
		rt.Skip("nothing that a middleware may still see")
	}
	buf := transport.NewBuffer(1 << 10)
	var kept []entry
	var dropped []Outcome
	queue := m.lanes[m.from]
	var after []*modelled
	for i, e := range m.chunk.entries[m.chunk.first:] {
		q := queue[i]
		if rapid.IntRange(0, 2).Draw(rt, "drop") == 0 {
			dropped = append(dropped, Outcome{ID: e.id, Result: Dropped, Reason: Rejected})
			m.over(q, Dropped, Rejected)
			continue
		}
		q.frame = frameOf(e.id, rapid.IntRange(0, 500).Draw(rt, "size"))
		buf.B = append(buf.B, q.frame...)
		e.size = int32(len(q.frame))
		kept = append(kept, e)
		after = append(after, q)
	}
	slices.Reverse(dropped) // several middlewares tell in any order
	m.lanes[m.from] = append(after, queue[m.has:]...)
	m.has = len(kept)
	m.seal = true
	if over := m.swap(m.chunk, buf, kept, dropped); over != (len(kept) == 0) {
		rt.Fatalf("over %v with %d left", over, len(kept))
	}
	if len(kept) == 0 {
		m.chunk = nil
	}
}

func (m *outboxModel) pass(rt *rapid.T) {
	time.Sleep(rapid.SampledFrom([]time.Duration{1, time.Second, 9 * time.Second, modelAge}).Draw(rt, "time"))
	if rapid.Bool().Draw(rt, "only time") {
		return
	}
	m.sweep()
	var next time.Time
	earlier := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, e := range m.lanes[1][m.taken(1):] {
		earlier(e.due)
		if m.limits.Age > 0 {
			earlier(e.at.Add(modelAge))
		}
	}
	for _, e := range m.unacked {
		earlier(e.due)
	}
	if got := m.expire(time.Now()); !got.Equal(next) {
		rt.Fatalf("next at %v; want %v", got, next)
	}
}

// resetSetup is the end of an incarnation: of its set-up messages only those stay
// that a writer has.
func (m *outboxModel) resetSetup(*rapid.T) {
	m.drop(0, Superseded, func(*modelled) bool { return true })
	m.clearSetup()
	m.epoch = 1 // the next connection
}

func (m *outboxModel) toggle(rt *rapid.T) {
	on := rapid.Bool().Draw(rt, "hold")
	if on {
		m.drop(1, Expired, func(e *modelled) bool { return e.post.Class == Volatile })
		m.ackless(func(*modelled) bool { return true })
	}
	m.hold(on)
}

func (m *outboxModel) changeIdentity(*rapid.T) {
	m.identity++
	m.drop(1, Superseded, func(e *modelled) bool { return e.post.Bound })
	m.dropBound()
}

func (m *outboxModel) acknowledge(rt *rapid.T) {
	if len(m.all) == 0 {
		rt.Skip("nothing was posted")
	}
	e := rapid.SampledFrom(m.all).Draw(rt, "which")
	want := false
	if i := slices.Index(m.unacked, e); i >= 0 {
		m.unacked = slices.Delete(m.unacked, i, i+1)
		m.over(e, Acked, 0)
		want = true
	}
	if slices.Contains(m.lanes[1][:m.taken(1)], e) && e.post.Ack && !e.acked {
		want, e.acked = true, true
	}
	if got := m.ack(e.id); got != want {
		rt.Fatalf("acknowledging %d: %v", e.id, got)
	}
}

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
	if accepted := m.ledger.accepted.Load(); accepted != m.nextID || int(accepted) != len(waiting)+len(m.unacked)+len(m.want) {
		rt.Fatalf("accepted %d, %d wait, %d for their ack, and %d ended", accepted, len(waiting), len(m.unacked), len(m.want))
	}
	for _, e := range m.all {
		m.checkReceipt(rt, e)
	}
}

func (m *outboxModel) checkReceipt(rt *rapid.T, e *modelled) {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	end, over := m.want[e.id]
	if got, err := e.receipt.Acked(now); over != (err == nil) || got != end {
		rt.Fatalf("receipt of %d: %v, %v; want %v", e.id, got, err, end)
	}
	if e.gone || end.Result == Acked {
		end = Outcome{ID: e.id, Result: Written}
	}
	if got, err := e.receipt.Written(now); (over || e.gone) != (err == nil) || got != end {
		rt.Fatalf("receipt of %d: written as %v, %v; want %v", e.id, got, err, end)
	}
}

// timeless is a test whose deadline rapid does not ask for: in a bubble it has none.
type timeless struct{ testing.TB }

func TestEveryAcceptedMessageHasOneOutcome(t *testing.T) {
	rounds := 3
	if raceEnabled || testing.Short() {
		rounds = 1
	}
	for range rounds {
		synctest.Test(t, func(t *testing.T) { rapid.Check(timeless{t}, liveOutbox) })
	}
}

// liveOutbox is a random life of an outbox.
func liveOutbox(rt *rapid.T) {
	m := newOutboxModel(rt)
	for range 2 { // a life is long
		rt.Repeat(map[string]func(*rapid.T){
			"send": m.send, "post": m.postOne, "post more": m.postOne, "take": m.takeNext, "take more": m.takeNext,
			"write": m.write, "write more": m.write, "socket dies": m.die, "middleware": m.rework, "time passes": m.pass,
			"set-up ends": m.resetSetup, "hold": m.toggle, "identity": m.changeIdentity, "ack": m.acknowledge,
			"ack more": m.acknowledge, "": m.check,
		})
	}
	if m.chunk != nil {
		m.giveBackAll(0)
	}
	for l := range m.lanes {
		m.drop(l, Closed, func(*modelled) bool { return true })
	}
	m.ackless(func(*modelled) bool { return true })
	m.close(ErrStopped)
	m.check(rt)
	if m.count != 0 || m.data.bytes != 0 || m.setup.bytes != 0 || m.ledger.inFlight.Load() != 0 {
		rt.Fatalf("%d messages and %d bytes are left, %d in flight", m.count, m.data.bytes, m.ledger.inFlight.Load())
	}
}
