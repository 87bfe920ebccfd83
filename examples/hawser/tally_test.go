package main

import (
	"errors"
	"slices"
	"testing"

	"github.com/hawser-go/hawser/actors"
)

// story plays a demo of five messages: 1 and 2 written on the first connection,
// 2 lost, 3 unknown but back, 4 a draft, 5 written on the second.
func story(t *testing.T, change func(*tally, *actors.Books)) account {
	t.Helper()
	y := newTally()
	for n := range 5 {
		y.send(n+1, func() (uint64, error) { return uint64(n + 11), nil })
	}
	y.send(6, func() (uint64, error) { return 0, errors.New("full") })
	y.settle([]actors.Outcome{
		{ID: 11, Result: actors.Written},
		{ID: 12, Result: actors.Written},
		{ID: 13, Result: actors.Unknown},
		{ID: 14, Result: actors.Dropped, Reason: actors.Rejected},
		{ID: 15, Result: actors.Written},
	})
	y.echo("tick 000001", 1)
	y.echo("tick 000003", 2)
	y.echo("tick 000005", 2)
	b := actors.Books{Accepted: 5, Written: 3, Unknown: 1}
	b.Dropped[actors.Rejected] = 1
	if change != nil {
		change(y, &b)
	}
	return y.audit(b)
}

func TestTheAccountOfAGoodDemoHasNoProblems(t *testing.T) {
	a := story(t, nil)
	if len(a.Problems) > 0 || !a.Balanced || a.Lost != 1 || a.Rescued != 1 || a.Back != 3 || a.Refused != 1 || a.Dropped["rejected"] != 1 {
		t.Errorf("%+v", a)
	}
}

func TestEveryKindOfFraudIsFound(t *testing.T) {
	for want, change := range map[string]func(*tally, *actors.Books){
		"1 messages came back twice":                       func(y *tally, _ *actors.Books) { y.echo("tick 5", 2) },
		"1 messages came back out of order":                func(y *tally, _ *actors.Books) { y.echo("tick 2", 3) },
		`1 messages came back that nobody sent: ["hello"]`: func(y *tally, _ *actors.Books) { y.echo("hello", 2) },
		"1 messages came back that were never written": func(y *tally, _ *actors.Books) {
			y.echoes = slices.Insert(y.echoes, 2, echoed{4, 2})
		},
		"1 messages are missing in the middle of a connection": func(y *tally, _ *actors.Books) {
			y.echoes[1].epoch = 1 // 2 got lost although 3 came through
		},
		"2 messages have no outcome": func(_ *tally, b *actors.Books) { b.Accepted, b.InFlight = 7, 2 },
		"1 outcomes of messages that were never accepted": func(y *tally, _ *actors.Books) {
			y.settle([]actors.Outcome{{ID: 99}})
		},
		"messages with two outcomes: [1]": func(y *tally, _ *actors.Books) { y.settle([]actors.Outcome{{ID: 11}}) },
		"the books do not balance: accepted 6 = written 3 + unknown 1 + in flight 0 + dropped(rejected) 1": func(_ *tally, b *actors.Books) {
			b.Accepted = 6
		},
		"the outcomes told are not those in the books: accepted 5 = written 3 + unknown 1 + in flight 0 + dropped(rejected) 1": func(_ *tally, b *actors.Books) {
			b.Unknown, b.Written = 0, 4
		},
	} {
		if a := story(t, change); !slices.Contains(a.Problems, want) {
			t.Errorf("want %q, got %q", want, a.Problems)
		}
	}
}
