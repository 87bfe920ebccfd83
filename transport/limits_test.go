package transport

import (
	"math"
	"strings"
	"testing"
)

func TestDecoderEnforcesLimitsOnTheHeader(t *testing.T) {
	four := Limits{MaxFrame: 4, MaxMessage: 8, MaxFragments: 3}
	half := func(s *script, fin bool, op byte, payload string) { // the header only
		n := s.Len()
		s.frame(fin, op, payload)
		head := HeaderSize(len(payload), s.server)
		s.Truncate(n + head)
	}
	for _, c := range []struct {
		name   string
		limits Limits
		build  func(s *script)
		want   string
	}{
		{"a frame of MaxFrame", four, func(s *script) { s.frame(true, opBinary, "1234") }, "binary 1234"},
		{"a frame over MaxFrame", four, func(s *script) { half(s, true, opBinary, "12345") }, violation(1009, bigFrame)},
		{"a long frame over MaxFrame", four, func(s *script) { half(s, true, opBinary, strings.Repeat("x", 70000)) }, violation(1009, bigFrame)},
		{"control frames are no matter of MaxFrame", four, func(s *script) { s.frame(true, opPing, "12345") }, "ping 12345"},
		{"a message of MaxMessage", four, func(s *script) {
			s.frame(false, opBinary, "1234").frame(true, opContinuation, "5678")
		}, "binary 12345678"},
		{"a message over MaxMessage", four, func(s *script) {
			s.frame(false, opBinary, "1234").frame(false, opContinuation, "567")
			half(s, true, opContinuation, "89")
		}, violation(1009, bigMessage)},
		{"a message that starts over MaxMessage", Limits{MaxFrame: 100, MaxMessage: 8}, func(s *script) { half(s, false, opBinary, "123456789") }, violation(1009, bigMessage)},
		{"MaxMessage is the default of MaxFrame", Limits{MaxMessage: 8}, func(s *script) { half(s, true, opBinary, "123456789") }, violation(1009, bigFrame)},
		{"a message of MaxFragments", four, func(s *script) {
			s.frame(false, opBinary, "1").frame(false, opContinuation, "").frame(true, opContinuation, "2")
		}, "binary 12"},
		{"a message over MaxFragments, of empty frames", four, func(s *script) {
			s.frame(false, opBinary, "").frame(false, opContinuation, "").frame(true, opPing, "").frame(false, opContinuation, "")
			half(s, true, opContinuation, "")
		}, "ping |" + violation(1009, bigFragments)},
		{"messages do not share their limits", four, func(s *script) {
			for range 2 {
				s.frame(false, opBinary, "1234").frame(false, opContinuation, "567").frame(true, opContinuation, "8")
			}
		}, "binary 12345678|binary 12345678"},
	} {
		for role, s := range both(c.build) {
			t.Run(c.name+"/"+role, func(t *testing.T) { wantEvents(t, s, c.limits, c.want) })
		}
	}
}

func TestLimitsHaveDefaults(t *testing.T) {
	for _, c := range []struct{ have, want Limits }{
		{Limits{}, Limits{100, 100, 1024, 1000}},
		{Limits{MaxMessage: 7}, Limits{7, 7, 1024, 70}},
		{Limits{MaxFrame: 7}, Limits{7, 100, 1024, 1000}},
		{Limits{MaxFragments: 7}, Limits{100, 100, 7, 1000}},
		{Limits{MaxInflated: 7}, Limits{100, 100, 1024, 7}},
		{Limits{-1, -1, -1, -1}, Limits{noLimit, noLimit, noLimit, noLimit}},
		{Limits{math.MaxInt, math.MaxInt, 1, math.MaxInt}, Limits{noLimit, noLimit, 1, noLimit}},
		{Limits{MaxMessage: -1}, Limits{noLimit, noLimit, 1024, noLimit / 10 * 10}},
	} {
		got := c.have.withDefaults(100)
		if got != c.want {
			t.Errorf("%v becomes %v, want %v", c.have, got, c.want)
		}
		if again := got.withDefaults(5); again != got {
			t.Errorf("%v becomes %v the second time", got, again)
		}
	}
}
