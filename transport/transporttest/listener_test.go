package transporttest

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestDialGivesAcceptTheOtherEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := NewListener()
		defer ln.Close()
		var seen *Link
		ln.OnLink(func(l *Link) { seen = l; l.Corrupt(ToServer, 0, 1) })
		client, err := ln.Dial(t.Context(), "tcp", "anywhere:80")
		if err != nil {
			t.Fatal(err)
		}
		server, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		write(t, client, "b") // to the server it is corrupted from the first byte on
		read(t, server, "c")
		if links := ln.Links(); len(links) != 1 || links[0] != seen || links[0].Client() != client {
			t.Errorf("links: %v", links)
		}
	})
}

func TestDialFailsAsTheListenerSays(t *testing.T) {
	cases := []struct {
		name  string
		set   func(*Listener)
		want  error
		after time.Duration
	}{
		{"refused", func(n *Listener) { n.Refuse(true) }, syscall.ECONNREFUSED, 0},
		{"closed", func(n *Listener) { _ = n.Close() }, syscall.ECONNREFUSED, 0},
		{"silent", func(n *Listener) { n.Silence(true) }, context.DeadlineExceeded, time.Minute},
		{"full", func(n *Listener) {
			for range backlog {
				_, _ = n.Dial(context.Background(), "tcp", "")
			}
		}, context.DeadlineExceeded, time.Minute},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := NewListener()
				defer ln.Close()
				c.set(ln)
				before := ln.Dials()
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := ln.Dial(ctx, "tcp", "")
				if !errors.Is(err, c.want) || time.Since(start) != c.after {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				if ln.Dials() != before+1 {
					t.Errorf("%d dials", ln.Dials())
				}
			})
		})
	}
}

func TestRefuseAndSilenceCanEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := NewListener()
		defer ln.Close()
		ln.Refuse(true)
		ln.Silence(true)
		ln.Refuse(false)
		ln.Silence(false)
		if _, err := ln.Dial(t.Context(), "tcp", ""); err != nil {
			t.Fatal(err)
		}
	})
}

func TestClosingTheListenerEndsAcceptAndTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := NewListener()
		waiting, err := ln.Dial(t.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		_ = ln.Close()
		_ = ln.Close()
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: %v", err)
		}
		if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("who was waiting got %v", err)
		}
	})
}
