package transport

import (
	"errors"
	"testing"
)

// epoll reports a reset whatever it was asked for, also before there is a Handler.
func TestAResetBeforeStartIsToldAfterIt(t *testing.T) {
	for _, how := range []string{"adopted", "newcomer"} {
		t.Run(how, func(t *testing.T) {
			p := oneLoop(t, 0)
			peer, nc := tcpPair(t)
			c := connOn(t, nc, ConnOptions{Server: true, Poller: p})
			if how == "newcomer" { // whose reading epoll reports until the Conn is started
				c.s.(*pollStream).unblock(0)
				c.s.(*pollStream).state.And(^quiet)
				c.s.(*pollStream).arm()
			}
			fillSocket(c)
			_ = peer.SetLinger(0)
			_ = peer.Close()
			_, other := rawServer(t, p, &echo{})
			pingPong(t, other, "the loop has been past the reset when this is back")
			ended := make(chan error, 1)
			wrote := make(chan error, 1)
			c.Start(funcs{
				readable: func(c *Conn) {
					if _, err := c.Read(); err != nil {
						ended <- err
					}
				},
				writable: func(c *Conn) {
					_, err := c.Write([]byte("more"))
					wrote <- err
				},
			})
			var broken *ReadError
			if err := wait(t, ended); !errors.As(err, &broken) {
				t.Errorf("reading: %v", err)
			}
			if err := wait(t, wrote); err == nil {
				t.Error("a Write succeeded behind the reset")
			}
		})
	}
}
