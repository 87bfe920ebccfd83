//go:build linux

package siege

import (
	"bytes"
	"compress/flate"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// testInflatedSizes is about what a message is when it has been inflated: that has a
// limit of its own, and the others are for what is on the wire.
func testInflatedSizes(t *testing.T) {
	const inflated, message = 300_000, 2000
	for name, takeover := range map[string]bool{"no context takeover": false, "context takeover": true} {
		f := start(t, actors.ServerOptions{
			Limits:      transport.Limits{MaxMessage: message, MaxFrame: message, MaxInflated: inflated},
			Compression: transport.Compression{Enabled: true, ContextTakeover: takeover},
		})
		base, steady := f.figures(), f.control(f.lean, "/", offer)
		for _, c := range []attempt{
			{"limit-1", appendFrame(nil, fin|rsv1|opText, deflated(inflated-1, 'x')), 0, inflated - 1},
			{"limit", appendFrame(nil, fin|rsv1|opText, deflated(inflated, 'x')), 0, inflated},
			{"limit+1", appendFrame(nil, fin|rsv1|opText, deflated(inflated+1, 'x')), 1009, 0},
			{"limit in fragments", inFragments(rsv1|opText, deflated(inflated, 'x'), 50), 0, inflated},
			{"limit+1 in fragments", inFragments(rsv1|opText, deflated(inflated+1, 'x'), 50), 1009, 0},
			{"limit+1 in streams", appendFrame(nil, fin|rsv1|opText, inStreams(inflated/2, inflated/2+1)), 1009, 0},
			{"more on the wire than a message may be", appendFrame(nil, fin|rsv1|opText, pad(message+1)), 1009, 0},
			{"uncompressed, more than a message may be", appendFrame(nil, fin|opText, pad(message+1)), 1009, 0},
			{"corrupt", appendFrame(nil, fin|rsv1|opText, []byte("\xff\xff\xff\xff")), 1007, 0},
			{"RSV1 on a continuation", append(appendFrame(nil, opText, pad(1)), appendFrame(nil, fin|rsv1, pad(1))...), 1002, 0},
			{"RSV1 on a ping", appendFrame(nil, fin|rsv1|opPing, nil), 1002, 0},
		} {
			p := f.join(f.lean, "/", offer)
			if fault := c.try(p); fault != "" {
				t.Errorf("%s, %s: %s", name, c.name, fault)
			}
			p.reset()
		}
		p := f.join(f.lean, "/") // nothing agreed on
		a := attempt{"RSV1", appendFrame(nil, fin|rsv1|opText, deflated(10, 'x')), 1002, 0}
		if fault := a.try(p); fault != "" {
			t.Errorf("not agreed on: %s", fault)
		}
		p.reset()
		steady.check(50 * time.Millisecond)
		f.quietFor(base, glance)
	}
}

// inStreams is a message of several deflate streams (RFC 7692 §7.2.3.4).
func inStreams(sizes ...int) (all []byte) {
	for _, n := range sizes {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestCompression) // a good level
		_, _ = w.Write(pad(n))                             // a Buffer does not fail
		_ = w.Close()
		all = append(all, b.Bytes()...)
	}
	return append(all, 0)
}
