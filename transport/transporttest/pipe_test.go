package transporttest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// printer is a transport.Handler that hands out texts.
type printer chan string

func (p printer) Writable(*transport.Conn) {}

func (p printer) Readable(c *transport.Conn) {
	b, err := c.Read()
	if err != nil {
		p <- err.Error()
	}
	if b == nil {
		return
	}
	defer b.Release()
	for _, m := range b.Messages {
		p <- string(m.Payload)
	}
}

func TestPipeIsAConnectionAfterItsHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, _ := Pipe(PipeOptions{
			Dialer:   transport.Dialer{Subprotocols: []string{"chat"}},
			Upgrader: transport.Upgrader{Subprotocols: []string{"chat"}},
		})
		defer func() {
			_ = client.Close()
			_ = server.Close()
			<-client.Done()
			<-server.Done()
		}()
		if client.Server() || !server.Server() || client.Subprotocol() != "chat" || server.Subprotocol() != "chat" {
			t.Errorf("roles or subprotocols are wrong: %q, %q", client.Subprotocol(), server.Subprotocol())
		}
		toClient, toServer := make(printer, 10), make(printer, 10)
		client.Start(toClient)
		server.Start(toServer)
		frame := transport.AppendFrame(nil, byte(transport.Text), []byte("up"), true)
		transport.SealFrame(frame)
		if _, err := client.Write(frame); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Write(transport.AppendFrame(nil, byte(transport.Text), []byte("down"), false)); err != nil {
			t.Fatal(err)
		}
		if got := <-toServer; got != "up" {
			t.Errorf("the server got %q", got)
		}
		if got := <-toClient; got != "down" {
			t.Errorf("the client got %q", got)
		}
	})
}

func TestJoinFailsWhenTheLinkDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		link := NewLink()
		link.Stall(ToClient) // the answer never arrives
		_, _, err := Join(link, PipeOptions{Dialer: transport.Dialer{Timeout: 3 * time.Second}})
		if err == nil || time.Since(start) != 3*time.Second {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
	})
}
