package runner

import (
	"runtime"
	"testing"
	"time"

	"github.com/hawser-go/hawser/bench/internal/load"
)

func TestTheGeneratorAllocatesNothingWhileItMeasures(t *testing.T) {
	candidate := gobwas(t)[0]
	for _, s := range []Scenario{
		{Name: "B", Conns: 10, InFlight: 10, Size: 64},
		{Name: "D", Shape: Fanout, Conns: 10, InFlight: 4, Size: 128},
		{Name: "E", Shape: Lives, Conns: 16, Size: 64},
		{Name: "G", Shape: Paced, Conns: 10, InFlight: 64, Size: 64, Rate: 4000},
	} {
		t.Run(s.Name, func(t *testing.T) {
			l := startLane(s, candidate, 0)
			defer l.close()
			l.try(l.connect)
			l.try(func() error { return l.load.Verify() })
			var mallocs []uint64
			var messages []uint64
			l.try(func() error {
				_, err := l.load.Run(load.Window{Warm: 5 * time.Millisecond, Length: 50 * time.Millisecond, Mark: func() {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					mallocs, messages = append(mallocs, m.Mallocs), append(messages, l.load.Messages())
				}})
				return err
			})
			if l.result.Err != "" {
				t.Fatal(l.result.Err)
			}
			// The runtime and the marks themselves allocate a little.
			if n, of := mallocs[1]-mallocs[0], messages[1]-messages[0]; n > 20 || of < 20 {
				t.Errorf("%d allocations in %d messages", n, of)
			}
		})
	}
}
