package main

import (
	"slices"
	"testing"
)

// A gap on one connection has no excuse; one over a reconnect has. What has been
// seen before is told apart from both.
func TestTheSequenceFindsWhatIsMissingAndWhatIsRepeated(t *testing.T) {
	type step struct {
		seq, epoch uint64
		repeated   bool
	}
	for _, c := range []struct {
		name  string
		steps []step
		gaps  []gap
	}{
		{"it begins anywhere", []step{{7, 1, false}, {8, 1, false}}, nil},
		{"a hole", []step{{1, 1, false}, {4, 1, false}}, []gap{{"X", 2, 3, 1, false}}},
		{"a loss", []step{{1, 1, false}, {4, 3, false}, {5, 3, false}}, []gap{{"X", 2, 3, 3, true}}},
		{"a loss without a gap", []step{{1, 1, false}, {1, 2, true}, {2, 2, false}}, nil},
		{"a hole behind a loss", []step{{1, 1, false}, {1, 2, true}, {3, 2, false}}, []gap{{"X", 2, 2, 2, false}}},
		{"backwards", []step{{5, 1, false}, {4, 1, true}, {5, 1, true}, {6, 1, false}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSequence(func(uint64, int, []gap) {})
			for _, p := range c.steps {
				if got := s.repeated(price{Symbol: "X", Seq: p.seq}, p.epoch); got != p.repeated {
					t.Errorf("%+v: repeated %t", p, got)
				}
			}
			if got := s.all(); !slices.Equal(got, c.gaps) {
				t.Errorf("gaps %+v, want %+v", got, c.gaps)
			}
		})
	}
}

func TestTheSequenceTellsWhenAConnectionIsUpToDate(t *testing.T) {
	type told struct{ epoch, symbols, gaps int }
	var got []told
	s := newSequence(func(epoch uint64, symbols int, gaps []gap) { got = append(got, told{int(epoch), symbols, len(gaps)}) })
	see := func(symbol string, seq, epoch uint64) { s.repeated(price{Symbol: symbol, Seq: seq}, epoch) }
	s.expect(2)
	see("A", 1, 1)
	see("A", 2, 1)
	if s.upToDate() != 0 {
		t.Error("up to date with one symbol of two")
	}
	see("B", 1, 1)
	see("B", 2, 1)
	see("A", 9, 2) // the connection is lost before B comes
	see("A", 9, 3)
	see("B", 4, 3)
	s.expect(3)
	see("C", 1, 3)
	if want := []told{{1, 2, 0}, {3, 2, 2}, {3, 3, 0}}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	if s.upToDate() != 3 {
		t.Errorf("up to date: %d", s.upToDate())
	}
}
