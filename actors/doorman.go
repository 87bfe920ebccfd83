package actors

import (
	"net"
	"sync"

	"github.com/hawser-go/hawser/transport"
)

// doorman lets the sockets in that the poller has accepted. What would make the
// poller's loop wait it hands to the goroutine of Serve; nothing is accepted meanwhile.
type doorman struct {
	service *service
	waits   chan knock // at most one: the listener is paused then

	mu   sync.Mutex
	left bool // nobody listens to waits any more
}

// knock is a socket for which there is no room, or why there is none.
type knock struct {
	newcomer *transport.Newcomer
	err      error
}

// Arrived implements transport.Door.
func (d *doorman) Arrived(n *transport.Newcomer, err error) (more bool) {
	if err == nil {
		switch in, full := d.service.lobby.tryEnter(n); {
		case in:
			d.service.greet(n, true)
			return true
		case !full:
			d.service.greet(n, false)
			return true
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.left {
		d.waits <- knock{n, err}
	} else if n != nil {
		d.service.greet(n, false)
	}
	return false
}

// attend serves a listener whose sockets the poller accepts, until it is closed.
func (v *service) attend(l *transport.Listener) error {
	d := &doorman{service: v, waits: make(chan knock, 1)}
	if err := l.Attach(v.upgrader.Poller, d); err != nil {
		return err
	}
	var trouble trouble
	for {
		select {
		case <-l.Done():
			d.leave()
			return net.ErrClosed
		case k := <-d.waits:
			if k.err != nil {
				v.rest(trouble.pause(v, k.err))
			} else {
				trouble.over()
				v.greet(k.newcomer, v.lobby.enter(k.newcomer))
			}
			l.Resume()
		}
	}
}

// leave turns away who waited when the listener was closed.
func (d *doorman) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = true
	select {
	case k := <-d.waits:
		if k.newcomer != nil {
			d.service.greet(k.newcomer, false)
		}
	default:
	}
}
