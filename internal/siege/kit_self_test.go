//go:build linux

package siege

import (
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
)

func TestAPeacefulServerIsQuiet(t *testing.T) {
	f := start(t, actors.ServerOptions{})
	base := f.figures()
	m := f.measure()
	for _, addr := range f.ways() {
		c := f.control(addr, "/")
		in := f.newcomers(addr, "/")
		pause(300 * time.Millisecond)
		in().check(t, "handshakes", 10, 100*time.Millisecond)
		c.check(50 * time.Millisecond)
	}
	m.report("peace", 8<<20)
	f.quiet(base)
}
