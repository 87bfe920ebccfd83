package modules

import (
	"errors"
	"strconv"
	"sync"

	"github.com/hawser-go/hawser/actors"
)

// desk is where the calls of an API wait for their answers. It belongs to the
// stable plane: connections come and go, and so do the incarnations of the module.
type desk[Resp any] struct {
	limit int

	mu      sync.Mutex
	pending map[string]*call[Resp] // by id
	places  int                    // calls under way, those that wait for a connection included
	conn    *actors.Conn           // the one that is ready, or nil
	module  string                 // the name of the module's actor, or "" while there is none
	ended   bool                   // the client stopped
	cause   error                  // how the latest connection ended
	changed chan struct{}          // closed at the next change; nil while nobody waits
	number  uint32                 // of the latest call
	counts  APIStats
}

// call is one question.
type call[Resp any] struct {
	id   string
	conn *actors.Conn
	done chan Answer[Resp] // holds the answer; written once, by whoever takes the call off the desk
}

// APIStats are the counters of an API at one moment. Calls that were never sent
// (ErrNotReady, ErrTooManyCalls) count as Refused.
type APIStats struct {
	// Calls were sent, Pending are those of them that wait for their answer.
	Calls   uint64
	Pending int
	// Answered, Failed (by the peer), Disconnected and GivenUp (by the context, the
	// timeout, or because they could not be sent) is what became of the others.
	Answered, Failed, Disconnected, GivenUp uint64
	// Refused calls were not sent.
	Refused uint64
	// Late counts replies to which no call was pending: it had been given up, or was
	// answered before. Pushes counts messages that came unasked.
	Late, Pushes uint64
	// Undecoded counts messages that could not be understood; a call that one of them
	// answered is among the Failed.
	Undecoded uint64
}

func (d *desk[Resp]) stats() APIStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.counts
	s.Pending = len(d.pending)
	return s
}

// count changes the counters.
func (d *desk[Resp]) count(f func(*APIStats)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.counts)
}

// reserve takes a place for a call.
func (d *desk[Resp]) reserve() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.places >= d.limit {
		d.counts.Refused++
		return ErrTooManyCalls
	}
	d.places++
	return nil
}

// resign gives back the place of a call that was never sent.
func (d *desk[Resp]) resign() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.places--
	d.counts.Refused++
}

// begin makes a call wait for its answer. If there is no connection, it returns
// what to wait for, or nil if none will come.
func (d *desk[Resp]) begin(first uint64) (c *call[Resp], changed <-chan struct{}, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil {
		err = because(ErrNotReady, d.cause)
		if d.ended {
			return nil, nil, err
		}
		if d.changed == nil {
			d.changed = make(chan struct{})
		}
		return nil, d.changed, err
	}
	if d.pending == nil {
		d.pending = map[string]*call[Resp]{}
	}
	d.number++
	c = &call[Resp]{id: strconv.FormatUint(first|uint64(d.number), 10), conn: d.conn, done: make(chan Answer[Resp], 1)}
	d.pending[c.id] = c
	d.counts.Calls++
	return c, nil, nil
}

// leave takes a call off the desk whose caller has given up. It reports false if
// somebody else has done so: then there is an answer.
func (d *desk[Resp]) leave(c *call[Resp]) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending[c.id] != c {
		return false
	}
	d.remove(c)
	d.counts.GivenUp++
	return true
}

// take takes the call with this id off the desk, to be answered; nil if there is
// none.
func (d *desk[Resp]) take(id []byte) *call[Resp] {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.pending[string(id)]
	if c == nil {
		d.counts.Late++
		return nil
	}
	d.remove(c)
	return c
}

// remove gives back a call's place; d is locked.
func (d *desk[Resp]) remove(c *call[Resp]) {
	delete(d.pending, c.id)
	d.places--
}

// bind makes the desk serve the client of a module's actor. It reports false if it
// serves another.
func (d *desk[Resp]) bind(module string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.module != "" && d.module != module {
		return false
	}
	if d.ended {
		d.ended, d.cause = false, nil
	}
	d.module = module
	return true
}

// open makes conn the connection that calls use.
func (d *desk[Resp]) open(conn *actors.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != conn {
		d.fail(nil) // of a connection whose end was not told
		d.conn, d.cause = conn, nil
		d.change()
	}
}

// close fails what waits for an answer of conn.
func (d *desk[Resp]) close(conn *actors.Conn, cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == conn {
		d.conn, d.cause = nil, cause
		d.fail(cause)
	}
}

// explain notes why there is still no connection.
func (d *desk[Resp]) explain(cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil && cause != nil {
		d.cause = cause
	}
}

// end is called when the client has ended for good, or has given the module up.
func (d *desk[Resp]) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !errors.Is(d.cause, actors.ErrStopped) {
		d.cause = because(actors.ErrStopped, d.cause)
	}
	d.conn, d.module, d.ended = nil, "", true
	d.fail(d.cause)
	d.change()
}

// fail ends all calls; d is locked.
func (d *desk[Resp]) fail(cause error) {
	for _, c := range d.pending {
		d.remove(c)
		d.counts.Disconnected++
		c.done <- Answer[Resp]{Err: because(ErrDisconnected, cause)}
	}
}

// change wakes who waits; d is locked.
func (d *desk[Resp]) change() {
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}
