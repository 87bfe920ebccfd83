package actors

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

func TestTheStatisticsOfAServerAreExact(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{
			Name: "ledger", Rates: Rates{Messages: 100}, Admission: Admission{MaxConnections: 4},
			Heartbeat: Heartbeat{Interval: 10 * time.Second},
			Modules: []Module{
				module("echo", "/", func(c *Context, m transport.Message) {
					if string(m.Payload) == "boom" {
						panic(errKilled)
					}
					_, _ = c.Echo(m)
				}),
				{Name: "picky", Path: "/picky", New: echoModule.New, Match: prefix("yes")},
			},
		})
		if st := w.server.Stats(); st.Name != "ledger" || st.Total != 0 || st.Refused != nil || st.Ended != nil {
			t.Errorf("fresh: %+v", st)
		}
		var peers []*peer
		for range 3 {
			peers = append(peers, w.comes("1.1.1.1:1"))
		}
		_, picky := w.knock("1.1.1.1:1", "/picky")
		w.refused(http.StatusServiceUnavailable, "1.1.1.1:1")
		w.knock("1.1.1.1:1", "/nowhere")
		peers[0].text("hello")
		peers[0].expect("text hello")
		picky.text("no")
		picky.text("yes?")
		picky.expect("text yes?")
		peers[1].text("boom")
		synctest.Wait()
		peers[0].leave()
		peers[1].write(piece{head: bye})
		peers[1].expect("close", "EOF")
		_ = peers[2].nc.(interface{ SetLinger(int) error }).SetLinger(0)
		_ = peers[2].nc.Close()
		w.connections(1)
		picky.expect("nothing") // but the pings, which it answers
		st := w.server.Stats()
		if want := map[int]uint64{503: 1, 404: 1}; !maps.Equal(st.Refused, want) {
			t.Errorf("refused: %v", st.Refused)
		}
		if want := map[transport.CloseCode]uint64{1000: 1, 1005: 1, 1006: 1}; !maps.Equal(st.Ended, want) {
			t.Errorf("ended: %v", st.Ended)
		}
		got := ServerStats{
			Connections: st.Connections, Total: st.Total, MessagesSent: st.MessagesSent, MessagesReceived: st.MessagesReceived,
			BytesReceived: st.BytesReceived, Unrouted: st.Unrouted, Faulted: st.Faulted, Restarts: st.Restarts,
		}
		want := ServerStats{
			Connections: 1, Total: 4, MessagesSent: 2, MessagesReceived: 4, BytesReceived: 5 + 2 + 4 + 4,
			Unrouted: 1, Faulted: 1, Restarts: 1,
		}
		if !reflect.DeepEqual(got, want) || st.BytesSent < 9+2*4+6*2 || !st.Books.Balanced() || st.PingRTT.Count == 0 {
			t.Errorf("%+v", st)
		}
		w.end()
	})
}

func TestStatisticsCanBeAskedForAtAnyTime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		stop, asked := make(chan struct{}), make(chan uint64)
		go func() {
			var last ServerStats
			n := uint64(0)
			for ; ; n++ {
				select {
				case <-stop:
					asked <- n
					return
				case <-time.After(time.Millisecond):
				}
				st := w.server.Stats()
				if st.Total < last.Total || st.MessagesReceived < last.MessagesReceived || uint64(st.Connections) > st.Total || st.BytesSent < last.BytesSent {
					t.Errorf("%+v follows %+v", st, last)
				}
				last = st
			}
		}()
		for range 20 {
			p := w.meet("/")
			p.text("x")
			p.expect("text x")
			p.leave()
			time.Sleep(time.Millisecond)
		}
		if err := w.server.Close(context.Background()); err != nil {
			t.Error(err)
		}
		close(stop)
		<-asked
		st := w.server.Stats()
		if want := map[transport.CloseCode]uint64{1000: 20}; !maps.Equal(st.Ended, want) || st.Connections != 0 || st.Total != 20 || st.MessagesSent != 20 {
			t.Errorf("behind the end: %+v", st)
		}
		st.Ended[1000] = 0
		if w.server.Stats().Ended[1000] != 20 {
			t.Error("it is not a value of its own")
		}
		w.end()
	})
}

func TestASocketThatMadeRoomGotNoStatus(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Handshakes: 1})
		w.call("GET")
		w.call("GET")
		nc := w.call("nonsense\r\n\r\n")
		synctest.Wait()
		_ = nc.Close()
		synctest.Wait()
		if st := w.server.Stats(); st.Refused[0] != 2 || st.Refused[400] != 1 || len(st.Refused) != 2 {
			t.Errorf("%v", st.Refused)
		}
		w.end()
	})
}
