package actors

import (
	"maps"
	"sync"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// life is what has happened to a client so far: how often, for how long, and the
// latest of it in full. The client's actor writes it, a few times for each
// connection; what happens with every message is counted elsewhere, without a
// lock. It is told before those who wait or listen are, so whoever was woken by
// a change finds it counted.
type life struct {
	mu      sync.Mutex
	made    time.Time
	ended   time.Time // zero until the client has stopped
	state   State
	epoch   uint64
	attempt int

	trying    bool // an attempt has begun, and neither succeeded nor ended
	connected bool
	conn      *Conn     // the connection that is or was connected
	ready     time.Time // since when; zero: it is not
	uptime    time.Duration
	down      time.Time // the last disconnection
	delay     time.Duration
	next      time.Time // of the next attempt

	attempts, successful, failed, aborted uint64
	disconnections, losses, reconnections uint64

	closeCodes tally[transport.CloseCode]
	statuses   tally[int]
	connects   histogram // of the dials that succeeded
	flight     flight
}

// tallied is how many different things a tally tells apart.
const tallied = 64

// tally counts things by number. What comes when it is full counts under 0.
type tally[K ~int | ~uint16] map[K]uint64

func (t *tally[K]) add(k K) {
	if *t == nil {
		*t = tally[K]{}
	}
	if _, known := (*t)[k]; !known && len(*t) >= tallied {
		k = 0
	}
	(*t)[k]++
}

// begin is the birth: history is how many transitions are kept.
func (l *life) begin(history int) {
	l.made, l.flight.limit = time.Now(), history
}

// opened notes a dial that succeeded: the connection, and how long it took.
func (l *life) opened(c *Conn, took time.Duration) {
	l.connects.add(took)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = c
}

// become notes the state. again says that a client that becomes ready was so before
// it lost its connection.
func (l *life) become(s State, again bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	if s != Backoff {
		l.delay, l.next = 0, time.Time{}
	}
	if s != Ready {
		l.unready(now)
	}
	switch {
	case s == Opening:
		l.connected = true
	case s == Ready && l.trying:
		l.trying, l.ready = false, now
		l.successful++
		if again {
			l.reconnections++
		}
	}
}

// unready ends a time in which the client was ready; l is locked.
func (l *life) unready(now time.Time) {
	if !l.ready.IsZero() {
		l.uptime += now.Sub(l.ready)
		l.ready = time.Time{}
	}
}

// failure notes why an incarnation failed. It is a failed attempt if it had not
// become ready, and nobody had asked it to leave.
func (l *life) failure(cause error, leaving bool) {
	_, _, status := reasonOf(cause)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.trying || leaving {
		return
	}
	l.trying = false
	l.failed++
	if status != 0 {
		l.statuses.add(status)
	}
}

// over notes that the connection's actor is gone: an attempt that has not ended
// otherwise was given up on purpose.
func (l *life) over() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abort()
}

func (l *life) abort() {
	if l.trying {
		l.trying = false
		l.aborted++
	}
}

// event counts and records an event. t says already what the event does not: the
// state, the queued bytes, the round trip.
func (l *life) event(e *Event, t Transition) {
	t.At, t.Event, t.Epoch, t.Attempt, t.Delay, t.Err, t.Queued = e.At, e.Kind, e.Epoch, e.Attempt, e.Delay, e.Cause, e.Queued
	t.Cause, t.CloseCode, t.HTTPStatus = reasonOf(e.Cause)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state, l.epoch = t.State, e.Epoch
	if e.Attempt > 0 {
		l.attempt = e.Attempt
	}
	switch e.Kind {
	case EventConnecting:
		l.trying = true
		l.attempts++
	case EventDisconnected:
		t.CloseCode = l.disconnected(e, t.State)
	case EventReconnecting:
		l.delay, l.next = e.Delay, e.At.Add(e.Delay)
	case EventStopped:
		l.abort()
		l.delay, l.next = 0, time.Time{}
		l.ended = e.At
	}
	l.flight.add(t)
}

// disconnected counts the end of a connection, and returns the close code; l is
// locked.
func (l *life) disconnected(e *Event, state State) transport.CloseCode {
	l.unready(e.At)
	l.connected, l.down = false, e.At
	l.disconnections++
	if e.Cause != nil && state != Closing {
		l.losses++
	}
	code := transport.Abnormal
	if l.conn != nil {
		if c := l.conn.peerCode.Load(); c != 0 {
			code = transport.CloseCode(c)
		}
		l.conn = nil
	}
	l.closeCodes.add(code)
	return code
}

func (l *life) history() []Transition {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flight.list()
}

// report writes what is known of the life at now into s.
func (l *life) report(s *Stats, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.At, s.State, s.Epoch, s.Attempt = now, l.state, l.epoch, l.attempt
	s.Connected, s.Ready = l.connected, !l.ready.IsZero()
	s.Attempts, s.Successful, s.Failed, s.Aborted = l.attempts, l.successful, l.failed, l.aborted
	s.Disconnections, s.Losses, s.Reconnections = l.disconnections, l.losses, l.reconnections
	s.RetryDelay, s.NextAttempt, s.LastDisconnection = l.delay, l.next, l.down
	s.CloseCodes, s.HTTPStatuses = maps.Clone(l.closeCodes), maps.Clone(l.statuses)
	end := now
	if !l.ended.IsZero() {
		end = l.ended
	}
	s.Age = end.Sub(l.made)
	s.Uptime = l.uptime
	if s.Ready {
		s.CurrentUptime = now.Sub(l.ready)
		s.Uptime += s.CurrentUptime
	}
	if s.Disconnections > 0 {
		s.SinceDisconnection = now.Sub(l.down)
	}
}
