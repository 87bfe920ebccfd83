package transport

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxEvents is how many events one look at the kernel yields.
const maxEvents = 128

// busy is how many events at once make a loop shut its gate.
const busy = 2

// Poller watches many connections with few goroutines: level-triggered epoll,
// whose descriptor waits in Go's own poller, so that no thread is held.
//
// Handler calls run on the loop that found the event. While one does not
// return, a watchdog moves the loop to another goroutine; it runs only while
// there are events, so an idle Poller does nothing at all.
type Poller struct {
	options  PollerOptions
	handoffs atomic.Uint64
	wg       sync.WaitGroup // goroutines of all loops, stalled ones too

	mu     sync.Mutex
	loops  []*loop // made with the first connection
	next   int
	closed bool
}

// NewPoller returns a Poller. Its loops start with its first connection and live
// until Close.
func NewPoller(o PollerOptions) (*Poller, error) {
	return &Poller{options: o}, nil
}

// Close closes the connections that are still there and ends the loops. It
// waits for their goroutines, so it must not be called by a Handler.
func (p *Poller) Close() error {
	p.mu.Lock()
	p.closed = true
	loops := p.loops
	p.mu.Unlock()
	var errs []error
	for _, l := range loops {
		errs = append(errs, l.close())
	}
	p.wg.Wait()
	for _, l := range loops {
		l.forget()
	}
	return errors.Join(errs...)
}

// pick deals connections out to the loops in turn.
func (p *Poller) pick() (*loop, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if p.loops == nil {
		if err := p.start(); err != nil {
			return nil, err
		}
	}
	p.next++
	return p.loops[p.next%len(p.loops)], nil
}

// start makes the loops, all or none; p is locked.
func (p *Poller) start() error {
	if p.options.Loops <= 0 {
		p.options.Loops = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if p.options.Patience == 0 {
		p.options.Patience = defaultPatience
	}
	var loops []*loop
	for range p.options.Loops {
		l, err := newLoop(p)
		if err != nil {
			for _, l := range loops {
				_ = l.close() // they have no connections
				l.forget()
			}
			return err
		}
		loops = append(loops, l)
	}
	for _, l := range loops {
		p.wg.Go(func() { l.run(firstTurn) })
	}
	p.loops = loops
	return nil
}

// Handoffs is how often a Handler call kept a loop for so long that the loop
// moved to another goroutine.
func (p *Poller) Handoffs() uint64 { return p.handoffs.Load() }

// loop is one epoll set. At every moment one goroutine owns it.
//
// Go's poller does not watch the set but a second one, the gate, that has nothing but
// the first one in it. While the loop is busy the gate is shut: else each event would
// wake a thread of Go's, which finds that there is nothing to do for it.
type loop struct {
	p    *Poller
	ep   int
	gate int
	shut bool     // the gate is; the owner's
	file *os.File // owns gate, and parks in Go's poller
	raw  syscall.RawConn

	watchdog watchdog

	mu     sync.Mutex
	empty  sync.Cond // tells close that the last connection has gone
	closed bool
	conns  []*pollStream // by slot
	free   []int32       // slots without a connection
	gen    uint32
	live   int
}

func newLoop(p *Poller) (*loop, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	l := &loop{p: p, ep: ep}
	l.empty.L = &l.mu
	if err := l.openGate(); err != nil {
		_ = unix.Close(ep)
		return nil, err
	}
	l.watchdog.init(p.options.Patience, l.handOff)
	return l, nil
}

// openGate makes the gate, open.
func (l *loop) openGate() error {
	gate, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	err = unix.SetNonblock(gate, true)
	if err == nil {
		err = unix.EpollCtl(gate, unix.EPOLL_CTL_ADD, l.ep, &unix.EpollEvent{Events: unix.EPOLLIN})
	}
	if err != nil {
		_ = unix.Close(gate)
		return os.NewSyscallError("epoll gate", err)
	}
	l.gate, l.file = gate, os.NewFile(uintptr(gate), "epoll")
	if l.raw, err = l.file.SyscallConn(); err != nil {
		_ = l.file.Close()
	}
	return err
}

// swing shuts the gate or opens it.
func (l *loop) swing(shut bool) {
	ev := unix.EpollEvent{Events: unix.EPOLLIN}
	if shut {
		ev.Events = 0
	}
	if unix.EpollCtl(l.gate, unix.EPOLL_CTL_MOD, l.ep, &ev) == nil {
		l.shut = shut
	}
}

// reopen opens the gate. What came while it was shut need not be told through it, so it
// is looked for here.
func (l *loop) reopen(evs []unix.EpollEvent) int {
	l.swing(false)
	return l.wait(evs)
}

// add registers s, with the interests that it is armed with.
func (l *loop) add(s *pollStream) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	var slot int32
	if n := len(l.free); n > 0 {
		slot, l.free = l.free[n-1], l.free[:n-1]
	} else {
		slot = int32(len(l.conns))
		l.conns = append(l.conns, nil)
	}
	l.gen++
	s.slot, s.gen = slot, l.gen
	l.conns[slot] = s // first: an event may come at once
	l.live++
	if e := sysWatch(l.ep, unix.EPOLL_CTL_ADD, s); e != 0 {
		l.conns[slot] = nil
		l.free = append(l.free, slot)
		l.live--
		return os.NewSyscallError("epoll_ctl", e)
	}
	return nil
}

// remove forgets s. Events that were fetched before find its slot empty, or
// another generation in it.
func (l *loop) remove(s *pollStream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[s.slot] = nil
	l.free = append(l.free, s.slot)
	l.live--
	if l.live == 0 {
		l.empty.Broadcast()
	}
}

// forget gives the epoll set up, when no goroutine of the loop is left.
func (l *loop) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ep >= 0 {
		_ = unix.Close(l.ep)
		l.ep = -1
	}
}

// close closes all connections and has the loop end. Each connection uses the epoll set
// until it is removed, and the loop until it has ended.
func (l *loop) close() error {
	l.mu.Lock()
	l.closed = true
	conns := append([]*pollStream(nil), l.conns...)
	l.mu.Unlock()
	for _, s := range conns {
		if s != nil {
			_ = s.close(false)
		}
	}
	l.mu.Lock()
	for l.live > 0 {
		l.empty.Wait()
	}
	l.mu.Unlock()
	l.watchdog.stop()
	if err := l.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// run is a goroutine that owns the loop until the watchdog gives it to another
// one, or the loop is closed.
func (l *loop) run(now turn) {
	var evs [maxEvents]unix.EpollEvent
	var conns [maxEvents]*pollStream
	n := 0
	try := func(uintptr) bool {
		n = l.wait(evs[:])
		if n == 0 && l.shut {
			n = l.reopen(evs[:])
		}
		if n >= busy && !l.shut {
			l.swing(true)
		}
		return n > 0
	}
	for l.raw.Read(try) == nil {
		l.find(evs[:n], conns[:])
		now = l.watchdog.wake(now)
		for i := range n {
			if s := conns[i]; s != nil {
				conns[i] = nil
				s.handle(evs[i].Events)
			}
			var mine bool
			if now, mine = l.watchdog.step(now); !mine {
				return // what is left here is reported to the new owner again
			}
		}
		var mine bool
		if now, mine = l.watchdog.park(now); !mine {
			return
		}
	}
}

// handOff gives the loop to a fresh goroutine if its owner is still where it was
// at stuck. The owner leaves when its Handler call returns.
func (l *loop) handOff(stuck turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.p.wg.Add(1) // before the owner can leave, so that Close waits for both
	next, ok := l.watchdog.take(stuck)
	if !ok {
		l.p.wg.Done()
		return
	}
	l.p.handoffs.Add(1)
	go func() {
		defer l.p.wg.Done()
		l.run(next)
	}()
}

// wait asks the kernel for events, without blocking.
func (l *loop) wait(evs []unix.EpollEvent) int {
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.ep),
		uintptr(unsafe.Pointer(&evs[0])), uintptr(len(evs)), 0, 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

// find looks the connections of evs up.
func (l *loop) find(evs []unix.EpollEvent, conns []*pollStream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range evs {
		if s := l.conns[evs[i].Fd]; s != nil && s.gen == uint32(evs[i].Pad) {
			conns[i] = s
		}
	}
}
