package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// fragments is a message in n frames of one byte.
func fragments(n int) (all []byte) {
	for i := range n {
		f := transport.AppendFrame(nil, 0, []byte("x"), true)
		if i == 0 {
			f[0] |= opText
		}
		if i < n-1 {
			f[0] &^= 0x80
		}
		transport.SealFrame(f)
		all = append(all, f...)
	}
	return all
}

// What is within the limit comes back; what is beyond it ends the connection.
func TestServeLimitsWhatAClientSends(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags  []string
		within func(*raw)
		beyond func(*raw)
		code   int
	}{
		"message":           {[]string{"--max-message=10"}, func(c *raw) { c.send("0123456789") }, func(c *raw) { c.send("0123456789x") }, 1009},
		"default message":   {nil, func(c *raw) { c.send(strings.Repeat("x", 64<<10)) }, func(c *raw) { c.send(strings.Repeat("x", 64<<10+1)) }, 1009},
		"fragments":         {[]string{"--max-fragments=3"}, func(c *raw) { c.write(fragments(3)) }, func(c *raw) { c.write(fragments(4)) }, 1009},
		"default fragments": {nil, func(c *raw) { c.write(fragments(1024)) }, func(c *raw) { c.write(fragments(1025)) }, 1009},
		"rate":              {[]string{"--rate=0.001"}, func(c *raw) { c.send("one") }, func(c *raw) { c.send("two") }, 1008},
		"idle":              {[]string{"--idle=300ms"}, func(c *raw) { c.send("one") }, func(*raw) {}, 1001},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, startServing(t, c.flags...).url()+"/echo")
			c.within(s)
			s.next()
			c.beyond(s)
			if got, code := s.messages(); len(got) > 0 || code != c.code {
				t.Errorf("%.100q, %d, want %d", got, code, c.code)
			}
		})
	}
}

func TestZeroLetsAClientSendWhatItLikes(t *testing.T) {
	t.Parallel()
	c := open(t, startServing(t, "--max-message=0", "--max-fragments=0", "--rate=0", "--ping=0", "--write-timeout=0").url()+"/echo")
	c.send(strings.Repeat("x", 1<<20))
	if got := c.next(); len(got) != 1<<20 {
		t.Fatalf("%d bytes", len(got))
	}
	c.write(fragments(5000))
	if got := c.next(); len(got) != 5000 {
		t.Fatalf("%d bytes", len(got))
	}
	const many = 12_000 // --rate alone would be 10,000
	go func() {
		f := transport.AppendFrame(nil, opText, []byte("x"), true)
		transport.SealFrame(f)
		_, _ = c.nc.Write(bytes.Repeat(f, many))
	}()
	for range many {
		c.next()
	}
}

// statuses are those of n handshakes.
func statuses(t *testing.T, n int, url string, lines ...string) (list []int) {
	for range n {
		c := request(t, url, lines...)
		list = append(list, c.answer.StatusCode)
		if after := c.answer.Header.Get("Retry-After"); c.answer.StatusCode == http.StatusTooManyRequests && after == "" {
			t.Error("429 without Retry-After")
		}
	}
	return list
}

func TestServeLimitsWhoConnects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags []string
		want  []int
	}{
		"connections of an address": {[]string{"--per-ip=2"}, []int{101, 101, 429, 429}},
		"handshakes of an address":  {[]string{"--handshake-rate=0.01"}, []int{101, 429, 429, 429}},
		"neither":                   {[]string{"--handshake-rate=0", "--per-ip=0"}, []int{101, 101, 101, 101}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startServing(t, c.flags...)
			if got := statuses(t, 4, p.url()+"/echo"); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestServeLooksAtTheOrigin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flags  []string
		origin string
		want   int
	}{
		{nil, "https://evil.example", 403},
		{nil, "", 101},
		{[]string{"--origin=*"}, "https://evil.example", 101},
		{[]string{"--origin=https://a.example", "--origin=*.b.example"}, "https://x.b.example", 101},
		{[]string{"--origin=https://a.example", "--origin=*.b.example"}, "https://evil.example", 403},
	} {
		url := startServing(t, c.flags...).url()
		var lines []string
		if c.origin != "" {
			lines = []string{"Origin: " + c.origin}
		}
		if got := statuses(t, 1, url+"/echo", lines...); got[0] != c.want {
			t.Errorf("%q, %q: %v, want %d", c.flags, c.origin, got, c.want)
		}
	}
	url := startServing(t).url()
	if got := statuses(t, 1, url+"/echo", "Origin: http://"+strings.TrimPrefix(url, "ws://")); got[0] != 101 {
		t.Errorf("a page of the same host: %v", got)
	}
}

func TestServePingsAndCutsWhoIsSilent(t *testing.T) {
	t.Parallel()
	p := startServing(t, "--ping=50ms", "--pong=100ms")
	c := open(t, p.url()+"/echo")
	if op, _, err := c.frame(); op != opPing {
		t.Fatalf("op %d, %v", op, err)
	}
	if e := p.untilTold("the end", disconnected("/echo")); e.Code != 1006 || !strings.Contains(e.Cause, "silent") {
		t.Errorf("%+v", e)
	}
}

func TestServeWaitsForNoHandshakeForever(t *testing.T) {
	t.Parallel()
	p := startServing(t, "--handshake-timeout=300ms")
	c := plug(t, strings.TrimPrefix(p.url(), "ws://"))
	c.write([]byte("GET /echo HTTP/1.1\r\n"))
	answer, err := io.ReadAll(c.r) // until limit; on a busy machine the time for the answer is over too
	if err != nil || len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Fatalf("%q, %v", answer, err)
	}
}

func TestServeCutsWhoTakesNothing(t *testing.T) {
	t.Parallel()
	p := startServing(t, "--write-timeout=300ms", "--max-message=0", "--ping=0")
	open(t, p.url()+"/sub")
	p.untilTold("the subscriber", connected("/sub"))
	publisher := open(t, p.url()+"/pub")
	publisher.send(strings.Repeat("x", 8<<20)) // more than the kernel takes
	if e := p.untilTold("the end", disconnected("/sub")); e.Code != 1006 || !strings.Contains(e.Cause, "write") {
		t.Errorf("%+v", e)
	}
}

// dialCompressed makes a client that agrees on compression, and tells the lengths of
// what it gets.
func dialCompressed(t *testing.T, url string, got chan<- int) *actors.Client {
	t.Helper()
	system, _ := newSystem(io.Discard)
	c, err := actors.Dial(t.Context(), system, url, actors.ClientOptions{
		Compression: transport.Compression{Enabled: true}, Restart: supervisor.Temporary,
		Modules: []actors.Module{{Name: "lengths", New: func() actors.Handler {
			return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) { got <- len(m.Payload) })
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close(context.Background())
		system.Shutdown()
	})
	return c
}

func TestServeCompressesAndLimitsWhatIsInflated(t *testing.T) {
	t.Parallel()
	url := startServing(t, "--deflate", "--max-inflated=100000").url()
	if c := open(t, url+"/echo", "Sec-WebSocket-Extensions: permessage-deflate"); !strings.Contains(c.answer.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate") {
		t.Fatalf("%v", c.answer.Header)
	}
	got := make(chan int, 10)
	c := dialCompressed(t, url+"/echo", got)
	if _, err := c.Send(transport.Text, bytes.Repeat([]byte("x"), 100_000)); err != nil {
		t.Fatal(err)
	}
	if n := <-got; n != 100_000 {
		t.Errorf("%d bytes came back", n)
	}
	if _, err := c.Send(transport.Text, bytes.Repeat([]byte("x"), 100_001)); err != nil {
		t.Fatal(err)
	}
	_ = c.WaitStopped(t.Context())
	var frame *transport.CloseError
	if !errors.As(c.Err(), &frame) || frame.Code != transport.MessageTooBig {
		t.Errorf("%v", c.Err())
	}
}

func TestServeDoesNotCompressUnlessAsked(t *testing.T) {
	t.Parallel()
	c := open(t, startServing(t).url()+"/echo", "Sec-WebSocket-Extensions: permessage-deflate")
	if e := c.answer.Header.Get("Sec-WebSocket-Extensions"); e != "" {
		t.Error(e)
	}
}

// A subscriber that does not read gets what the policy says, and no other one misses
// anything.
func TestServeTreatsASlowSubscriberByThePolicy(t *testing.T) {
	t.Parallel()
	want := numbered(100, 64<<10) // more than the kernel takes
	for policy, check := range map[string]func(got []string, code int) bool{
		"close-slow":  func(_ []string, code int) bool { return code == 1013 || code == 1006 },
		"drop-oldest": func(got []string, _ int) bool { return len(got) < len(want) && last(got) == last(want) },
		// No prefix of want: a kernel that grows its buffers late makes room for newer ones.
		"drop-newest": func(got []string, _ int) bool { return len(got) < len(want) && got[0] == want[0] },
		"keep-latest": func(got []string, _ int) bool { return len(got) < len(want) && last(got) == last(want) },
	} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			p := startServing(t, "--overflow", policy, "--queue-bytes=300000", "--write-timeout=0", "--drain=5s")
			slow, quick := open(t, p.url()+"/sub"), open(t, p.url()+"/sub")
			p.untilTold("both", func(e serverEvent) bool { return e.Event == "connected" && e.ID == 2 })
			publisher := open(t, p.url()+"/pub")
			for _, m := range want {
				publisher.send(m)
				if got := quick.next(); got != m {
					t.Fatalf("%.20q, want %.20q", got, m)
				}
			}
			p.signal()
			got, code := slow.messages()
			t.Logf("%d of %d messages, %d", len(got), len(want), code)
			if len(got) == 0 || !check(got, code) || !slices.IsSorted(got) {
				t.Errorf("%d messages, closed with %d", len(got), code)
			}
			_, _ = io.Copy(io.Discard, quick.r)
		})
	}
}
