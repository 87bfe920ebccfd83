package modules_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// This test stands for a row of docs/parity.md that no other test proves.

// Two APIs of the same types on one client, with one type for the replies of both,
// and callers that ask both at the same time: the answers do not mix.
func TestTwoAPIsThatLookAlikeDoNotMixTheirAnswers(t *testing.T) {
	o := modules.APIOptions{Reply: "reply"}
	a := modules.NewAPI[Question, Answer]("square", o)
	b := modules.NewAPI[Question, Answer]("double", o)
	inWorld(t, with(a.Module(), b.Module()), func(w *world) {
		var held []question
		reply := func(c *actors.Conn, q question) {
			n := 2 * q.N
			if q.Type == "square" {
				n = q.N * q.N
			}
			_, _ = c.Send(transport.Text, fmt.Appendf(nil, `{"type":"reply","id":"%s","n":%d}`, q.ID, n))
		}
		w.answer(func(c *actors.Conn, m transport.Message) {
			if held = append(held, parsed(m)); len(held) < 200 {
				return
			}
			for i := range held {
				reply(c, held[len(held)-1-i])
			}
		})
		done := make(chan error, 200)
		ask := func(api *squares, n, want int) {
			got, err := api.Call(context.Background(), Question{n})
			if err == nil && got.N != want {
				err = fmt.Errorf("asked %d, got %d, want %d", n, got.N, want)
			}
			done <- err
		}
		for n := 10; n < 110; n++ {
			go ask(a, n, n*n)
			go ask(b, n, 2*n)
		}
		for range cap(done) {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if x, y := a.Stats(), b.Stats(); x.Answered != 100 || y.Answered != 100 || x.Late+y.Late != 0 {
			t.Errorf("stats %+v and %+v", x, y)
		}
	})
}
