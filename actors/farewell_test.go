package actors

import (
	"testing"
	"testing/synctest"

	"github.com/hawser-go/hawser/transport"
)

// The module is busy with another connection when a message and the close of
// this one come: the reply must still leave before the answer to the close.
func TestTheReplyToAQueuedMessageLeavesBeforeTheAnswerToTheClose(t *testing.T) {
	for end, x := range map[string]piece{"close 1000": {head: bye, body: closeBody(1000, "")}, wrongProtocol: {head: text | 0x10}} {
		t.Run(end, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				release := make(chan struct{})
				w.serve(ServerOptions{Modules: []Module{module("one", "", func(ctx *Context, m transport.Message) {
					if string(m.Payload) == "busy" {
						<-release
					}
					_, _ = ctx.Echo(m)
				})}})
				busy := w.meet("/")
				busy.text("busy")
				w.connections(1)
				p := w.meet("/")
				p.write(piece{head: text, body: "queued"}, x)
				synctest.Wait()
				close(release)
				p.expect("text queued", end, "EOF")
				busy.expect("text busy")
				w.end()
			})
		})
	}
}
