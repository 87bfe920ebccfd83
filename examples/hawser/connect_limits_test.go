package main

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

func TestWhatTheServerSendsIsLimited(t *testing.T) {
	for name, c := range map[string]struct {
		flag   string
		frames func(*peer)
	}{
		"message":   {"--max-message=5", func(p *peer) { p.send(1, "123456") }},
		"fragments": {"--max-fragments=2", func(p *peer) { _, _ = p.nc.Write([]byte{1, 1, 'a', 0, 1, 'b', 0x80, 1, 'c'}) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code := make(chan int, 1)
			addr := listen(t, func(_ int, nc net.Conn) {
				if p, err := upgrade(nc); err == nil {
					p.send(1, "12345")
					c.frames(p)
					code <- p.closing()
				}
			})
			p := connect(t, "--json", "--once", c.flag, "ws://"+addr)
			if got := <-code; got != 1009 {
				t.Errorf("closed with %d", got)
			}
			if status := p.wait(); status != 1 {
				t.Errorf("status %d", status)
			}
			p.untilEvent("what was good", recv("12345"))
		})
	}
}

// While the connection is down the outbox has a bound, and what is beyond it is
// refused rather than accepted and lost.
func TestLinesBeyondTheOutboxAreDroppedWhileOffline(t *testing.T) {
	t.Parallel()
	p := connect(t, "--json", "--backoff-min=1m", "--backoff-max=1m", "ws://"+unused(t))
	p.untilEvent("down", state("reconnecting"))
	long := strings.Repeat("x", 16<<20)
	for range 4 {
		p.typed(long + "\n")
	}
	e := p.untilEvent("a drop", func(e event) bool { return e.Event == "dropped" })
	if e.ID != 4 || e.Reason != "outbox-full" {
		t.Errorf("%+v", e)
	}
	p.typed(strings.Repeat("x", 65<<20) + "\nshort\n")
	p.untilEvent("the next line", func(e event) bool { return e.Event == "accepted" && e.ID == 6 })
	if e := p.untilEvent("too big", func(e event) bool { return e.ID == 5 }); e.Event != "dropped" || e.Reason != "too-big" {
		t.Errorf("%+v", e)
	}
	p.signal()
	if status := p.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
	outcomes := map[int]int{}
	for _, e := range events(t, p.stdout()) {
		if e.Event == "dropped" {
			outcomes[e.ID]++
		}
	}
	for id := 1; id <= 6; id++ {
		if outcomes[id] != 1 {
			t.Errorf("line %d has %d outcomes", id, outcomes[id])
		}
	}
}

func TestALineThatIsNoTextIsRefusedWhileConnected(t *testing.T) {
	t.Parallel()
	p := connect(t, "--json", serve(t)+"/echo")
	p.untilEvent("ready", state("ready"))
	p.typed("\xff\nok\n")
	p.untilEvent("the next line", recv("ok"))
	e := p.untilEvent("line 1", func(e event) bool { return e.ID == 1 })
	if e.Event != "dropped" || e.Reason != "invalid-utf8" {
		t.Errorf("%+v", e)
	}
}

// While the connection is up and slow, the input waits: a file that is piped in
// arrives whole.
func TestAFullOutboxMakesTheInputWaitWhileConnected(t *testing.T) {
	t.Parallel()
	slow := make(chan struct{})
	addr := listen(t, func(_ int, nc net.Conn) {
		if p, err := upgrade(nc); err == nil {
			<-slow
			_, _ = io.Copy(io.Discard, p.r)
		}
	})
	p := connect(t, "--json", "ws://"+addr)
	t.Cleanup(sync.OnceFunc(func() {
		select {
		case <-slow:
		default:
			close(slow)
		}
	}))
	p.untilEvent("ready", state("ready"))
	line := strings.Repeat("x", 16<<20) + "\n"
	for range 3 {
		p.typed(line)
	}
	p.untilEvent("three accepted", func(e event) bool { return e.Event == "accepted" && e.ID == 3 })
	p.typed(line) // it has been read, and there is no room for it
	close(slow)
	p.typed(line)
	p.untilEvent("five written", func(e event) bool { return e.Event == "written" && e.ID == 5 })
	for _, e := range events(t, p.stdout()) {
		if e.Event == "dropped" || e.Event == "unknown" {
			t.Errorf("%+v", e)
		}
	}
}
