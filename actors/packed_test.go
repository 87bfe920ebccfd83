package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// What a socket takes of packed bytes, in whatever pieces, is told in bytes of the
// chunk: a frame counts when it is through, and one byte of it as soon as it has begun.
func TestPackedProgressIsToldInBytesOfTheChunk(t *testing.T) {
	c := &chunk{buf: transport.NewBuffer(1), lane: &lane{}}
	sizes, ends := []int{100, 40, 7}, []int{10, 50, 52}
	var frames []byte
	for i, size := range sizes {
		c.entries = append(c.entries, entry{id: uint64(i + 1), size: int32(size)})
		payload := make([]byte, ends[i]-len(frames)-transport.HeaderSize(0, false))
		frames = transport.AppendFrame(frames, byte(transport.Binary), payload, false)
	}
	want := func(n int) (total int) {
		for i, end := range ends {
			switch start := append([]int{0}, ends...)[i]; {
			case n >= end:
				total += sizes[i]
			case n > start:
				total++
			}
		}
		return total
	}
	for step := 1; step <= 52; step++ {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			p := &packed{buf: &transport.Buffer{B: frames}}
			told := 0
			for sent := 0; sent < 52; {
				n := min(step, 52-sent)
				if got := p.reach(c, n); told+got != want(sent+n) {
					t.Errorf("%d of a window of %d may have been taken; want %d", got, n, want(sent+n)-told)
				}
				sent += n
				if told += p.wrote(c, n); told != want(sent) {
					t.Errorf("behind %d bytes %d of the chunk are told; want %d", sent, told, want(sent))
				}
			}
		})
	}
}

func TestPreparedMessagesReachEveryKindOfConnection(t *testing.T) {
	body := make([]byte, 5000)
	for i := range body {
		body[i] = "the same again "[i%15]
	}
	prepared, err := transport.Prepare(transport.Text, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, deflate := range []bool{false, true} {
		for _, takeover := range []bool{false, true} {
			for _, chain := range []bool{false, true} {
				t.Run(fmt.Sprintf("deflate %v takeover %v middleware %v", deflate, takeover, chain), func(t *testing.T) {
					inWorld(t, func(t *testing.T, w *world) {
						compression := transport.Compression{Enabled: deflate, ContextTakeover: takeover}
						o := ServerOptions{Compression: compression, Modules: []Module{module("answer", "", func(ctx *Context, m transport.Message) {
							_, _ = ctx.Echo(m)
							if n, err := ctx.Conn().Queue(prepared, prepared); n != 2 || err != nil {
								t.Errorf("queued %d: %v", n, err)
							}
							if _, err := ctx.Conn().SendPrepared(prepared); err != nil {
								t.Error(err)
							}
							_, _ = ctx.Echo(m)
						})}}
						if chain {
							o.Middleware = []Middleware{{Name: "passer", New: func() Interceptor { return passer{} }}}
						}
						w.serve(o)
						w.dial(ClientOptions{Compression: compression, Modules: []Module{w.sink()}})
						w.ready()
						for range 3 {
							if _, err := w.client.Send(transport.Text, body); err != nil {
								t.Fatal(err)
							}
						}
						time.Sleep(time.Second)
						if got := w.echoed(); len(got) != 15 {
							t.Errorf("%d messages came; want 15", len(got))
						} else {
							for _, m := range got {
								if m != string(body) {
									t.Errorf("a message of %d bytes is not what was sent", len(m))
								}
							}
						}
						if sent := w.server.Stats().BytesSent; deflate && sent > 15*500 || !deflate && sent < 15*5000 {
							t.Errorf("%d bytes were sent", sent)
						}
						for _, end := range []func(context.Context) error{w.client.Close, w.server.Close} {
							if err := end(context.Background()); err != nil {
								t.Error(err)
							}
						}
						<-w.served
						_ = w.listener.Close()
						time.Sleep(10 * time.Second) // protoactor's throttle of dead letters ends
						synctest.Wait()
						nothingLeft(t, w.system)
					})
				})
			}
		}
	}
}
