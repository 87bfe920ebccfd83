package actors

import (
	"container/list"
	"io"
	"net"
	"sync"
	"time"
)

// lobby is where handshakes are until they are connections. It knows the sockets of
// Serve whose request is still awaited, so that they can be cut short: by the end of
// the server, and by newcomers when there are too many. Who sends his request at once
// hardly waits here; who lets the server wait makes room first.
type lobby struct {
	room     int           // how many handshakes of Serve are under way at a time
	patience time.Duration // how long a request is waited for for the request; 0: as long as the peer wants

	mu        sync.Mutex
	shut      bool
	listeners map[net.Listener]struct{}
	awaited   map[io.Closer]*list.Element // of order
	order     list.List                   // the waiting, the oldest first
	sweeping  bool                        // a look at the oldest is on its way
	inside    int                         // handshakes of Serve that are under way
	vacancy   chan struct{}
	joining   int      // handshakes that are accepted, of Serve or not, and not joined yet
	joinedAll []func() // called once when there are none
}

func newLobby(room int, patience time.Duration) *lobby {
	return &lobby{
		room: room, patience: patience,
		listeners: map[net.Listener]struct{}{}, awaited: map[io.Closer]*list.Element{},
	}
}

// impatient is a socket that does not know by itself how long a handshake may take. None
// of its methods calls the lobby.
type impatient interface {
	io.Closer
	Expire()
}

// listen notes a listener, which shuts with the lobby.
func (l *lobby) listen(ln net.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return false
	}
	l.listeners[ln] = struct{}{}
	return true
}

func (l *lobby) unlisten(ln net.Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.listeners, ln)
	_ = ln.Close()
}

// enter lets a socket in whose handshake begins, and reports false when nobody is
// let in any more. If there is no room, the one that has been waited for longest is
// closed; if all have sent their request, enter waits for one to be done.
func (l *lobby) enter(nc io.Closer) bool {
	l.mu.Lock()
	for l.inside >= l.room && !l.shut {
		patience := longest
		if oldest := l.order.Front(); oldest != nil {
			w := oldest.Value.(*waiting)
			if patience = lobbyStay - time.Since(w.since); patience <= 0 {
				l.forget(w.nc)
				_ = w.nc.Close()
				l.inside-- // its goroutine is about to find out
				continue
			}
		}
		l.await(patience)
	}
	defer l.mu.Unlock()
	if l.shut {
		return false
	}
	l.inside++
	l.wait(nc)
	return true
}

// tryEnter is enter for those who cannot wait: full says that they would have to.
func (l *lobby) tryEnter(nc io.Closer) (in, full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.shut:
		return false, false
	case l.inside >= l.room:
		return false, true
	}
	l.inside++
	l.wait(nc)
	return true, false
}

// lobbyStay is how long a socket may stay however many others want its place: its
// request may be on its way.
const lobbyStay = 50 * time.Millisecond

// waiting is a socket whose request is awaited.
type waiting struct {
	nc    io.Closer
	since time.Time
}

// wait notes that nc can be cut; l is locked.
func (l *lobby) wait(nc io.Closer) {
	l.awaited[nc] = l.order.PushBack(&waiting{nc: nc, since: time.Now()})
	if _, ok := nc.(impatient); ok {
		l.sweepBy(l.patience)
	}
}

// sweepBy sees to it that the sockets are looked at then, if they are not before; l is
// locked. One timer serves all of them.
func (l *lobby) sweepBy(d time.Duration) {
	if l.patience > 0 && !l.sweeping {
		l.sweeping = true
		time.AfterFunc(d, l.sweep)
	}
}

// sweep ends the handshakes of those whose time is over.
func (l *lobby) sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweeping = false
	for e := l.order.Front(); e != nil; e = e.Next() {
		w := e.Value.(*waiting)
		if left := l.patience - time.Since(w.since); left > 0 {
			l.sweepBy(left)
			return
		}
		if g, ok := w.nc.(impatient); ok {
			g.Expire()
		}
	}
}

// await waits until there may be a place, but not longer than d; l is locked, but not
// meanwhile.
func (l *lobby) await(d time.Duration) {
	if l.vacancy == nil {
		l.vacancy = make(chan struct{})
	}
	vacancy := l.vacancy
	l.mu.Unlock()
	defer l.mu.Lock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-vacancy:
	case <-t.C:
	}
}

// forget notes that the request of nc is not awaited any more; l is locked.
func (l *lobby) forget(nc io.Closer) bool {
	e, ok := l.awaited[nc]
	if ok {
		l.order.Remove(e)
		delete(l.awaited, nc)
	}
	return ok
}

// heard notes that the request of nc has come: it does not make room for others any
// more. False: it has been cut already.
func (l *lobby) heard(nc io.Closer) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.forget(nc)
}

// refused notes that nc is refused: nobody has to wait for its answer to be read.
func (l *lobby) refused(nc io.Closer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait(nc)
	l.vacate()
}

// leave notes that the handshake of a socket is over. heard says that its request was,
// and that it was not refused.
func (l *lobby) leave(nc io.Closer, heard bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.forget(nc) && !heard {
		return // its room has been given away
	}
	l.inside--
	l.vacate()
}

// vacate wakes those who wait in enter; l is locked.
func (l *lobby) vacate() {
	if l.vacancy != nil {
		close(l.vacancy)
		l.vacancy = nil
	}
}

// accept notes that a handshake is accepted: the peer gets a close frame from now on,
// and no reset. It reports false when nobody is let in.
func (l *lobby) accept() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return false
	}
	l.joining++
	return true
}

// joined notes that an accepted handshake has come to a shard, or failed after all.
func (l *lobby) joined() {
	l.mu.Lock()
	l.joining--
	var told []func()
	if l.joining == 0 {
		told, l.joinedAll = l.joinedAll, nil
	}
	l.mu.Unlock()
	for _, f := range told {
		f()
	}
}

// whenJoined calls f when no accepted handshake is under way.
func (l *lobby) whenJoined(f func()) {
	l.mu.Lock()
	some := l.joining > 0
	if some {
		l.joinedAll = append(l.joinedAll, f)
	}
	l.mu.Unlock()
	if !some {
		f()
	}
}

// isShut reports whether nobody is let in any more.
func (l *lobby) isShut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shut
}

// close lets nobody new in, and ends the handshakes whose request is still awaited.
func (l *lobby) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = true
	for ln := range l.listeners {
		_ = ln.Close()
	}
	for nc := range l.awaited {
		_ = nc.Close()
	}
	l.vacate()
}
