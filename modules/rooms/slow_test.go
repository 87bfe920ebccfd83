package rooms

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

const toClient = transporttest.ToClient

func TestASlowMemberIsTreatedByPolicyAndNobodyWaitsForIt(t *testing.T) {
	for policy, name := range map[SlowPolicy]string{SkipSlow: "skip", CloseSlow: "close"} {
		t.Run(name, func(t *testing.T) {
			in(t, setting{options: Options{Slow: policy}}, func(w *world) {
				slow, quick := w.visit(), w.visit()
				w.enter("lobby", slow, quick)
				slow.stall()
				began := time.Now()
				var result Result
				sent, skipped, closed := 0, 0, 0
				for ; sent < 200; sent++ {
					m := text(fmt.Sprint(sent, " ", string(bytes.Repeat([]byte("x"), 32<<10))))
					var err error
					if result, err = w.rooms.Room("lobby").BroadcastWait(bg, m); err != nil {
						t.Fatal(err)
					}
					skipped += result.Skipped
					closed += result.Closed
					for _, f := range result.Failed {
						if f.ID != "1" || !errors.Is(f.Err, ErrSlow) && !errors.Is(f.Err, actors.ErrStopped) {
							t.Fatalf("failed: %v", f)
						}
					}
					synctest.Wait()
				}
				if took := time.Since(began); took > 0 {
					t.Errorf("it waited %s", took)
				}
				if n := len(quick.got()); n != sent {
					t.Errorf("the quick one got %d of %d messages", n, sent)
				}
				switch {
				case policy == SkipSlow && (closed != 0 || skipped == 0):
					t.Errorf("%d skipped, %d closed", skipped, closed)
				case policy == CloseSlow && closed != 1:
					t.Errorf("%d skipped, %d closed", skipped, closed)
				}
				slow.unstall()
				synctest.Wait()
				if policy == SkipSlow {
					w.broadcast("lobby", "again")
					got := slow.got()
					same(t, "behind the gap", got[len(got)-1], "again")
					return
				}
				var frame *transport.CloseError
				if err := slow.WaitStopped(bg); !errors.As(err, &frame) || frame.Code != transport.TryAgainLater {
					t.Errorf("the slow one ended with %v", err)
				}
				same(t, "members", ids(w.rooms.Room("lobby").Members()), []string{"2"})
			})
		})
	}
}
