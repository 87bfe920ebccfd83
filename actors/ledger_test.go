package actors

import (
	"sync"
	"testing"
)

func TestLedgerCountsEachOutcome(t *testing.T) {
	var l ledger
	const accepted = 100
	l.accepted.Add(accepted)
	l.inFlight.Add(accepted)
	l.settle(Written, 0, 40)
	l.settle(Unknown, 0, 3)
	l.settle(Acked, 0, 7)
	for r := range Reason(reasons) {
		l.settle(Dropped, r, uint64(r)+1)
	}
	got := l.books()
	want := Books{Accepted: accepted, InFlight: 35, Written: 40, Acked: 7, Unknown: 3, Dropped: [reasons]uint64{1, 2, 3, 4, 5}}
	if got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
	if !got.Balanced() {
		t.Errorf("%s does not balance", got)
	}
	if got.DroppedAll() != 15 {
		t.Errorf("dropped %d; want 15", got.DroppedAll())
	}
}

// A message that is lost without being told must show.
func TestBooksDoNotBalanceWhenAMessageIsLost(t *testing.T) {
	for _, b := range []Books{
		{Accepted: 2, Written: 1},
		{Accepted: 1, Written: 1, InFlight: 1},
		{Accepted: 1, Written: 1, Unknown: 1},
		{Accepted: 1, Written: 1, Acked: 1},
		{Accepted: 1, Dropped: [reasons]uint64{Closed: 2}},
	} {
		if b.Balanced() {
			t.Errorf("%s balances", b)
		}
	}
}

func TestSettlingNothingChangesNothing(t *testing.T) {
	var l ledger
	l.accepted.Add(1)
	l.inFlight.Add(1)
	l.settle(Written, 0, 0)
	if got := l.books(); got.InFlight != 1 || !got.Balanced() {
		t.Errorf("%s", got)
	}
}

func TestLedgerBalancesAfterConcurrentUse(t *testing.T) {
	var l ledger
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 1000 {
				l.accepted.Add(1)
				l.inFlight.Add(1)
				l.settle(Result(n%4), Reason(i%reasons), 1)
			}
		})
	}
	all.Wait()
	if got := l.books(); !got.Balanced() || got.InFlight != 0 || got.Accepted != 8000 {
		t.Errorf("%s", got)
	}
}

func TestNamesOfOutcomes(t *testing.T) {
	for r, want := range []string{"overflow", "expired", "closed", "superseded", "rejected"} {
		if got := Reason(r).String(); got != want {
			t.Errorf("reason %d is %q; want %q", r, got, want)
		}
	}
	for r, want := range []string{"written", "dropped", "unknown", "acked"} {
		if got := Result(r).String(); got != want {
			t.Errorf("result %d is %q; want %q", r, got, want)
		}
	}
	b := Books{Accepted: 6, Written: 2, Unknown: 1, InFlight: 1, Dropped: [reasons]uint64{Expired: 2}}
	if got, want := b.String(), "accepted 6 = written 2 + unknown 1 + in flight 1 + dropped(expired) 2"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	b = Books{Accepted: 3, Written: 1, Acked: 2}
	if got, want := b.String(), "accepted 3 = written 1 + unknown 0 + in flight 0 + acked 2"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}
