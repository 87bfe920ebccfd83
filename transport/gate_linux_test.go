package transport

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatComesWhileTheGateIsShutIsFoundWhenItOpens(t *testing.T) {
	l, err := newLoop(&Poller{}) // nobody runs it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.close()
		l.forget()
	})
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		t.Fatal(err)
	}
	var evs [maxEvents]unix.EpollEvent
	told := func() bool {
		var one [1]unix.EpollEvent
		n, err := unix.EpollWait(l.gate, one[:], 0)
		if err != nil {
			t.Fatal(err)
		}
		return n == 1
	}
	if l.swing(true); !l.shut {
		t.Fatal("the gate does not shut")
	}
	if _, err := unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	if told() {
		t.Error("an event went through the gate while it was shut")
	}
	if n := l.reopen(evs[:]); n != 1 || l.shut {
		t.Errorf("reopen found %d events; shut: %v", n, l.shut)
	}
	if !told() {
		t.Error("an event does not go through the open gate")
	}
}
