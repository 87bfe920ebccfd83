package transport

import "golang.org/x/sys/unix"

// The state of a pollStream: flags, and from user on the count of calls that
// are inside and may use the descriptor. The last one to leave a closed stream
// closes it, so that no call ever meets a number that the system has given away
// again.
const (
	unstarted  uint64 = 1 << iota // no Handler yet
	told                          // Readable was called, its Read has not ended
	inReadable                    // Readable is running
	reading                       // a Read is inside
	paused
	ended      // a Read has failed; nothing more comes
	quiet      // epoll is to say nothing about reading
	wantOut    // a Write was cut short
	inWritable // Writable is running
	quietOut   // epoll is to say nothing about writing
	starting   // a goroutine of ours is in Readable: that of Start, or of repeat
	more       // Readable is wanted though the socket may have nothing
	closed
	gone // the socket is closed

	user uint64 = 1 << 32

	blocked = unstarted | told | inReadable | paused | ended
)

// Interests of epoll. The end of a connection is reported whatever one asks
// for, over and over again; silent asks for it once only.
const (
	wantsIn         = unix.EPOLLIN | unix.EPOLLRDHUP
	silent   uint32 = unix.EPOLLET
	inEvent         = wantsIn | unix.EPOLLHUP | unix.EPOLLERR
	outEvent        = unix.EPOLLOUT | unix.EPOLLHUP | unix.EPOLLERR
)

// handle acts on what epoll has reported.
func (s *pollStream) handle(ev uint32) {
	useful := true
	if ev&outEvent != 0 {
		useful = s.tellWritable()
	}
	if ev&inEvent != 0 {
		useful = s.tellReadable() && useful
	}
	if !useful {
		s.arm()
	}
}

// tellReadable calls Readable unless that would be too early. It returns false
// when epoll must be made quiet.
func (s *pollStream) tellReadable() bool {
	for {
		old := s.state.Load()
		switch {
		case old&closed != 0:
			return true
		case old&blocked != 0:
			if s.state.CompareAndSwap(old, old|quiet) {
				return false
			}
		case s.state.CompareAndSwap(old, old|told|inReadable):
			s.c.h.Readable(s.c)
			s.unblock(inReadable)
			return true
		}
	}
}

// tellWritable calls Writable if anyone waits for it. It returns false when
// epoll must be made quiet.
func (s *pollStream) tellWritable() bool {
	for {
		old := s.state.Load()
		switch {
		case old&closed != 0:
			return true
		case old&(wantOut|inWritable) == 0, old&unstarted != 0:
			return false
		case old&inWritable != 0:
			if s.state.CompareAndSwap(old, old|quietOut) {
				return false
			}
		case s.state.CompareAndSwap(old, old&^wantOut|inWritable):
			s.c.h.Writable(s.c)
			s.state.And(^(inWritable | quietOut))
			s.arm()
			return true
		}
	}
}

// unblock clears flags that kept Readable from being called. If none is left
// and epoll had been made quiet, it reports again; if more is wanted, Readable
// is called by another goroutine. A Write that was cut short before Start gets its
// Writable from then on. It returns the state that it has made.
func (s *pollStream) unblock(flags uint64) (now uint64) {
	for {
		old := s.state.Load()
		now = old &^ flags
		if now&blocked == 0 {
			now &^= quiet
		}
		repeat := now&(blocked|closed|more) == more
		if repeat {
			now = now&^more | told | inReadable | starting
		}
		if !s.state.CompareAndSwap(old, now) {
			continue
		}
		if (old^now)&quiet != 0 || (old^now)&unstarted != 0 && now&wantOut != 0 {
			s.arm()
		}
		if repeat {
			go s.repeat()
		}
		return now
	}
}

// repeat calls Readable where no event of epoll has led to it. told, inReadable
// and starting are set.
func (s *pollStream) repeat() {
	s.c.h.Readable(s.c)
	if s.unblock(inReadable|starting)&(gone|starting) == gone {
		s.finish()
	}
}

// arm makes epoll report what state asks for.
func (s *pollStream) arm() {
	if !s.enter() {
		return
	}
	s.mu.Lock()
	if want := interest(s.state.Load()); want != s.armed {
		s.armed = want
		_ = sysWatch(s.l.ep, unix.EPOLL_CTL_MOD, s)
	}
	s.mu.Unlock()
	s.leave()
}

func interest(state uint64) uint32 {
	var ev uint32
	if state&quiet == 0 {
		ev |= wantsIn
	}
	if state&(wantOut|quietOut|unstarted) == wantOut {
		ev |= unix.EPOLLOUT
	}
	if ev == 0 {
		return silent
	}
	return ev
}

// event is what epoll keeps of s.
func (s *pollStream) event() unix.EpollEvent {
	return unix.EpollEvent{Events: s.armed, Fd: s.slot, Pad: int32(s.gen)}
}

// enter makes the descriptor usable until leave. It fails when s is closed.
func (s *pollStream) enter() bool {
	for {
		old := s.state.Load()
		if old&closed != 0 {
			return false
		}
		if s.state.CompareAndSwap(old, old+user) {
			return true
		}
	}
}

func (s *pollStream) leave() {
	now := s.state.Add(^(user - 1))
	if now&closed == 0 || now >= user {
		return
	}
	s.l.remove(s)
	sysClose(s.fd) // epoll forgets it: there is no other descriptor of it
	s.c.release()
	if t, ok := s.c.s.(*sealedStream); ok {
		t.drop()
	}
	if s.state.Or(gone)&starting == 0 {
		s.finish()
	}
}

// finish says that s is done: the socket is closed and no goroutine is in repeat.
// Whoever makes the second of both true calls it.
func (s *pollStream) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
	}
}
