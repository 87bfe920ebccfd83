//go:build linux

package rooms

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"syscall"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// BenchmarkBroadcast is what it costs to reach the members of a room over loopback
// sockets, in bursts; "loop" is a plain loop of net.Conn.Write over as many sockets, one
// message at a time. The subscribers are another process.
func BenchmarkBroadcast(b *testing.B) {
	const members = 1000
	for _, burst := range []int{1, 16} {
		b.Run(fmt.Sprintf("rooms/burst=%d", burst), func(b *testing.B) { benchmarkRoom(b, members, burst, 128, false) })
		b.Run(fmt.Sprintf("loop/burst=%d", burst), func(b *testing.B) { benchmarkLoop(b, members, burst, 128) })
	}
	for _, deflate := range []bool{false, true} {
		b.Run(fmt.Sprintf("json/burst=16/deflate=%t", deflate), func(b *testing.B) { benchmarkRoom(b, members, 16, 1024, deflate) })
	}
}

// benchmarkRoom relays bursts of one connection to the others in its room, each when the
// one before has come.
func benchmarkRoom(b *testing.B, members, burst, size int, deflate bool) {
	r, err := New(Options{AutoJoin: func(*actors.Conn) (string, Member) { return "lobby", Member{} }, Relay: true})
	if err != nil {
		b.Fatal(err)
	}
	server, err := actors.NewServer(actor.NewActorSystem(), actors.ServerOptions{
		Modules: []actors.Module{r.Module()}, Compression: transport.Compression{Enabled: deflate},
	})
	if err != nil {
		b.Fatal(err)
	}
	ln := listen(b)
	go func() { _ = server.Serve(ln) }()
	defer func() { _ = server.Close(context.Background()) }()
	a := newAudience(b, ln.Addr().String(), members, true)
	sender, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = sender.Close() }()
	shake(b, sender)
	for r.Room("lobby").Len() <= members {
		runtime.Gosched()
	}
	var frames []byte
	send := func() {
		if _, err := sender.Write(frames); err != nil {
			b.Fatal(err)
		}
	}
	for range burst {
		start := len(frames)
		frames = transport.AppendFrame(frames, byte(transport.Text), quotes(size), true)
		transport.SealFrame(frames[start:])
	}
	before := a.settled()
	send()
	measure(b, a, members*burst, a.settled()-before, send)
}

// benchmarkLoop writes each message to each socket.
func benchmarkLoop(b *testing.B, members, burst, size int) {
	ln := listen(b)
	defer func() { _ = ln.Close() }()
	all := make(chan []net.Conn)
	go func() {
		var conns []net.Conn
		for len(conns) < members {
			c, err := ln.Accept()
			if err != nil {
				break
			}
			conns = append(conns, c)
		}
		all <- conns
	}()
	a := newAudience(b, ln.Addr().String(), members, false)
	conns := <-all
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	frame := transport.AppendFrame(nil, byte(transport.Text), quotes(size), false)
	measure(b, a, members*burst, int64(len(frame)*members*burst), func() {
		for range burst {
			for _, c := range conns {
				if _, err := c.Write(frame); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// measure times rounds of send, of which each is over when that many bytes have come.
func measure(b *testing.B, a *audience, deliveries int, bytes int64, send func()) {
	round := func() {
		a.gets(bytes)
		send()
		a.answer()
	}
	for range 3 {
		round() // pools are filled
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := processorTime()
	for b.Loop() {
		round()
	}
	cpu = processorTime() - cpu
	runtime.ReadMemStats(&after)
	n := float64(b.N) * float64(deliveries)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/delivery")
	b.ReportMetric(float64(cpu)/n, "cpu-ns/delivery")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/delivery")
}

// settled is how many bytes have come, once no more do.
func (a *audience) settled() int64 {
	a.gets(-1)
	return a.answer()
}

func listen(b *testing.B) net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return ln
}

// quotes is text like that of a price feed.
func quotes(size int) []byte {
	var p []byte
	for i := 0; len(p) < size; i++ {
		p = fmt.Appendf(p, `{"symbol":"SYM%03d","bid":%d.25,"ask":%d.5,"seq":%d},`, i*37%1000, 90+i, 91+i, i)
	}
	return p[:size]
}

// processorTime is what the process has used, ns.
func processorTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
