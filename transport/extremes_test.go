package transport

import (
	"math"
	"net"
	"strings"
	"testing"
	"time"
)

// What is meant as "for ever" and "any number" must not overflow into nothing.
func TestAHandshakeTakesTheLargestSettings(t *testing.T) {
	u := &Upgrader{Timeout: math.MaxInt64, MaxHeaders: math.MaxInt, MaxHeaderBytes: 1 << 20}
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n": "HTTP/1.1 101 ",
		"POST / HTTP/1.1\r\nHost: x\r\n\r\n": "HTTP/1.1 405 ",
	} {
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			if c, _, err := u.Upgrade(ours); err == nil {
				_ = c.Close()
			}
		}()
		_ = theirs.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = theirs.Write([]byte(request))
		answer := make([]byte, 512)
		n, err := theirs.Read(answer)
		if !strings.HasPrefix(string(answer[:n]), want) {
			t.Errorf("got %.40q, %v; want %q", answer[:n], err, want)
		}
		_ = theirs.Close()
		<-done
	}
}
