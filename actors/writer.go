package actors

import (
	"errors"
	"sync"

	"github.com/hawser-go/hawser/transport"
)

// writeWindow is how much of a chunk a connection with a goroutine behind it may
// be writing without having reported it yet.
const writeWindow = 64 << 10

// opClose is the opcode of a close frame (RFC 6455 §5.5.1).
const opClose = 8

// controlLimit bounds the control frames that wait for a socket that takes
// nothing; a peer that pings and never reads costs no more than this.
const controlLimit = 2 << 10

// sendControl has whole control frames written, ahead of the data.
//
//	Reader, Connection → Writer
type sendControl struct {
	frames []byte
	room   [32]byte // for frames of ours, and most of their answers
}

// controls are those that are not in use: every heartbeat needs one.
var controls = sync.Pool{New: func() any { return new(sendControl) }}

func newControl() *sendControl {
	m := controls.Get().(*sendControl)
	m.frames = m.room[:0]
	return m
}

// free gives m back.
func (m *sendControl) free() {
	m.frames = nil
	controls.Put(m)
}

// sendClose has a close frame written; nothing is written after it.
//
//	Connection → Writer
type sendClose struct {
	epoch  uint64
	code   transport.CloseCode
	reason string
	// now leaves the accepted messages in the outbox: the peer would not read
	// them any more. Otherwise they are written first.
	now bool
	// answers: it answers the peer's, and what follows it is the end of the stream.
	answers bool
}

func (*sendControl) private() {}
func (*sendClose) private()   {}

// writer is the only one that writes to the socket. It takes what the outbox has
// in chunks; control frames go between chunks, the close frame behind them.
type writer struct {
	light
	current  *chunk       // on its way out
	packed   *packed      // current as it goes out compressed; nil: it goes out as it is
	control  *sendControl // what of the control frames is left, of which the first may be out in part; nil: nothing
	farewell *sendClose
	window   int32 // bytes behind the taken ones that may be on their way too
	away     bool  // current is with the middleware
	// The last write was cut short, and was of current or of control: the next one
	// must go on with the same bytes (see transport.Conn.Write).
	inChunk, inControl bool
	blocked            bool // the socket takes no more
	finished           bool // the close frame is in control, or out
}

// InvokeUserMessage implements actor.MessageInvoker.
func (w *writer) InvokeUserMessage(msg any) {
	msg, ok := w.open(msg)
	if !ok {
		return
	}
	switch m := msg.(type) {
	case *flush:
		w.conn.waking.Store(false)
		w.drain()
	case *writable:
		w.unblock()
		w.drain()
	case *sendControl:
		w.queue(m)
		w.drain()
	case *sendClose:
		if m.epoch == w.conn.epoch && w.farewell == nil {
			w.farewell = m
			w.drain()
		}
	case *filtered:
		w.accept(m.outbound)
		w.drain()
	default:
		w.refuse(msg)
	}
}

// drain writes until the socket takes no more or nothing is left.
func (w *writer) drain() {
	for !w.blocked {
		switch {
		case w.inChunk:
			w.writeChunk() // a write that has begun comes before anything else
		case w.control != nil:
			if w.writeControl() {
				return
			}
		case w.away || w.finished:
			return
		case w.current != nil:
			w.writeChunk()
		case !w.next():
			return
		}
	}
}

// next takes the next chunk, or begins the close frame when there is none. It
// returns false when there is nothing to write.
func (w *writer) next() bool {
	if w.farewell == nil || !w.farewell.now {
		if w.current = w.conn.out.take(); w.current != nil {
			w.prepare()
			return true
		}
	}
	if w.farewell == nil {
		return false
	}
	payload := transport.AppendClosePayload(nil, w.farewell.code, w.farewell.reason)
	if w.control == nil {
		w.control = newControl()
	}
	w.control.frames = appendControl(w.control.frames, opClose, payload, !w.conn.side.server)
	w.finished = true
	return true
}

// prepare takes a chunk through the middleware, if there is any, and seals it.
func (w *writer) prepare() {
	if path := w.conn.side.routes.Load().middleware; len(path) > 0 && !w.current.past {
		w.away = true
		newOutbound(w.conn, w.current, path).forward()
		return
	}
	w.seal()
}

// seal makes a chunk that is past the middleware ready for the wire. One that was
// masked for a connection before stays as it is.
func (w *writer) seal() {
	masked := !w.conn.side.server
	if w.conn.wire.Compresses() && !w.current.sealed {
		w.current.past = true
		w.packed = pack(w.current, w.conn.wire, masked)
		return
	}
	w.current.seal(masked)
}

// accept goes on with a chunk that has been through the middleware.
func (w *writer) accept(o *outbound) {
	o.buf.Release()
	if o.chunk != w.current || !w.away {
		return // it went back to the outbox meanwhile
	}
	w.away = false
	masked := !w.conn.side.server
	if o.changed && w.conn.out.swap(w.current, o.pack(masked), o.entries, o.dropped) {
		w.leaveChunk()
		return
	}
	w.seal()
}

func (w *writer) writeChunk() {
	p := w.current.unsent()
	if w.packed != nil {
		p = w.packed.unsent()
	}
	n, err := w.conn.wire.Write(p)
	w.conn.side.counters.bytesSent.Add(uint64(n))
	w.inChunk = n < len(p)
	progress := n
	if w.packed != nil {
		progress = w.packed.wrote(w.current, n)
	}
	done, over := w.conn.out.wrote(w.current, progress)
	if over {
		w.leaveChunk()
	}
	w.conn.out.tell(done) // behind our own bookkeeping: it is user code
	w.after(n == len(p), err)
}

// writeControl writes the control frames. It returns true when the close frame
// is out, and with it everything.
func (w *writer) writeControl() bool {
	p := w.control.frames
	var n int
	var err error
	if w.finished && w.farewell.answers {
		n, err = w.conn.wire.WriteLast(p)
	} else {
		n, err = w.conn.wire.Write(p)
	}
	w.conn.side.counters.bytesSent.Add(uint64(n))
	w.inControl = n < len(p)
	if w.control.frames = p[n:]; !w.inControl {
		w.control.free()
		w.control = nil
	}
	w.after(n == len(p), err)
	if !w.finished || w.control != nil {
		return false
	}
	w.conn.connection.PostUserMessage(&closeSent{epoch: w.conn.epoch})
	return true
}

// after notes how a write ended: an error ends the incarnation.
func (w *writer) after(all bool, err error) {
	if errors.Is(err, transport.ErrClosed) {
		w.blocked = true // by ourselves; what was on its way has been told to nobody
		return
	}
	w.window = 0
	switch {
	case err != nil:
		w.blocked = true // for good
		w.conn.lost(err, w.conn.connection.PostUserMessage)
	case !all:
		w.block()
	}
}

// block notes that the socket is full; Writable will follow. A connection with a
// goroutine behind it may be writing more of the chunk than it has reported.
func (w *writer) block() {
	w.blocked = true
	if w.inChunk && !w.conn.wire.Polled() {
		w.window = writeWindow
	}
	w.conn.blockedSince.Store(nanos())
	w.conn.connection.PostUserMessage((*overdue)(w.conn)) // a deadline runs from now on
}

func (w *writer) unblock() {
	w.blocked = false
	w.conn.blockedSince.Store(0)
}

// queue adds control frames. When they pile up only the latest are kept: a peer
// may answer the most recent ping alone (RFC 6455 §5.5.3).
func (w *writer) queue(m *sendControl) {
	waits := w.control
	switch {
	case w.finished || len(m.frames) == 0:
	case waits == nil:
		w.control = m
		return
	case len(waits.frames)+len(m.frames) <= controlLimit:
		waits.frames = append(waits.frames, m.frames...)
	case !w.inControl:
		waits.frames = append(waits.frames[:0], m.frames...)
	}
	m.free()
}

func (w *writer) kind() string { return "w" }

// stopping implements receiver: what the socket did not take goes back to the
// outbox.
func (w *writer) stopping() {
	w.blocked = true
	if w.current != nil {
		window := int(w.window)
		if w.packed != nil && window > 0 {
			window = w.packed.reach(w.current, window)
		}
		w.conn.out.giveBack(w.current, window)
		w.leaveChunk()
	}
}

// killed implements receiver: the connection would be mute.
func (w *writer) killed() { w.conn.killed() }

// leaveChunk lets go of the current chunk, which is over or given back.
func (w *writer) leaveChunk() {
	w.current = nil
	if w.packed != nil {
		w.packed.buf.Release()
		w.packed = nil
	}
}
