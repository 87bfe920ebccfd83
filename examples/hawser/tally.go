package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hawser-go/hawser/actors"
)

// tally is the demo's own account of what it sent, what the client said became
// of it, and what came back. It is kept apart from the client's books, so that
// each can prove the other wrong.
type tally struct {
	mu       sync.Mutex
	changed  chan struct{}          // closed at the next change
	numbers  map[uint64]int         // of the messages, by the client's ids
	outcomes map[int]actors.Outcome // by number
	twice    []int                  // messages with a second outcome
	strange  int                    // outcomes of messages that were never accepted
	accepted int
	refused  int // messages that the client did not accept
	echoes   []echoed
	foreign  []string // echoes that are no message of ours
}

// echoed is a message that came back, and the connection that brought it.
type echoed struct {
	number int
	epoch  uint64
}

func newTally() *tally {
	return &tally{changed: make(chan struct{}), numbers: map[uint64]int{}, outcomes: map[int]actors.Outcome{}}
}

const (
	tickText  = "tick "
	draftText = "draft "
)

// send has a message sent. Its outcome waits for the lock, so that it finds the
// number of the message.
func (t *tally) send(number int, send func() (uint64, error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id, err := send()
	if err != nil {
		t.refused++
		return
	}
	t.accepted++
	t.numbers[id] = number
	t.stir()
}

// settle notes outcomes.
func (t *tally) settle(list []actors.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range list {
		number, ok := t.numbers[o.ID]
		if !ok {
			t.strange++
			continue
		}
		if _, ok := t.outcomes[number]; ok {
			t.twice = append(t.twice, number)
		}
		t.outcomes[number] = o
	}
	t.stir()
}

// echo notes a message that came back, and returns its number; -1 if it has none.
func (t *tally) echo(text string, epoch uint64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	number, err := strconv.Atoi(strings.TrimPrefix(text, tickText))
	if err != nil {
		t.foreign = append(t.foreign, text)
		return -1
	}
	t.echoes = append(t.echoes, echoed{number: number, epoch: epoch})
	t.stir()
	return number
}

func (t *tally) stir() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// back returns how many messages have come back.
func (t *tally) back() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.echoes)
}

// await returns when cond holds, which is asked after each change with t locked.
func (t *tally) await(ctx context.Context, cond func() bool) error {
	for {
		t.mu.Lock()
		ok, changed := cond(), t.changed
		t.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaitEcho returns when this message or a later one has come back.
func (t *tally) awaitEcho(ctx context.Context, number int) error {
	return t.await(ctx, func() bool {
		n := len(t.echoes)
		return n > 0 && t.echoes[n-1].number >= number
	})
}

// account is how a demo ended.
type account struct {
	Event    string            `json:"event"` // "ledger"
	AtMS     int64             `json:"at_ms"`
	Accepted uint64            `json:"accepted"`
	Written  uint64            `json:"written"`
	Dropped  map[string]uint64 `json:"dropped"` // by reason
	Unknown  uint64            `json:"unknown"`
	InFlight uint64            `json:"in_flight"`
	Refused  int               `json:"refused"` // not accepted at all
	// Back counts the echoes, Lost the messages that were written and did not come
	// back: the link was cut while they, or their echoes, were on their way.
	Back int `json:"back"`
	Lost int `json:"written_no_echo"`
	// Rescued counts those whose outcome is unknown and that did come back.
	Rescued    int      `json:"unknown_but_back"`
	Duplicates int      `json:"duplicates"`
	Disorder   int      `json:"out_of_order"`
	Cuts       int      `json:"cuts"`
	Balanced   bool     `json:"balanced"`
	Problems   []string `json:"problems"`
}

// audit compares the client's books with our own account.
func (t *tally) audit(b actors.Books) account {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := account{
		Event: "ledger", Accepted: b.Accepted, Written: b.Written, Unknown: b.Unknown, InFlight: b.InFlight,
		Refused: t.refused, Back: len(t.echoes), Dropped: map[string]uint64{}, Balanced: b.Balanced(), Problems: []string{},
	}
	for r, n := range b.Dropped {
		a.Dropped[actors.Reason(r).String()] = n
	}
	t.auditOutcomes(&a, b)
	t.auditEchoes(&a)
	return a
}

// auditOutcomes checks that each accepted message has one outcome, and that these
// are what the books say.
func (t *tally) auditOutcomes(a *account, b actors.Books) {
	problem := func(ok bool, format string, args ...any) {
		if !ok {
			a.Problems = append(a.Problems, fmt.Sprintf(format, args...))
		}
	}
	var own actors.Books
	for _, o := range t.outcomes {
		switch o.Result {
		case actors.Written:
			own.Written++
		case actors.Unknown:
			own.Unknown++
		case actors.Dropped:
			own.Dropped[o.Reason]++
		}
	}
	own.Accepted = uint64(t.accepted)
	problem(b.Balanced(), "the books do not balance: %s", b)
	problem(b.InFlight == 0, "%d messages have no outcome", b.InFlight)
	problem(own == b || b.InFlight > 0, "the outcomes told are not those in the books: %s", own)
	problem(len(t.twice) == 0, "messages with two outcomes: %v", t.twice)
	problem(t.strange == 0, "%d outcomes of messages that were never accepted", t.strange)
}

// auditEchoes checks what came back: once, in order, nothing that was dropped,
// and within a connection without a gap.
func (t *tally) auditEchoes(a *account) {
	seen := map[int]bool{}
	dropped, gaps := 0, 0
	for i, e := range t.echoes {
		o := t.outcomes[e.number]
		switch {
		case seen[e.number]:
			a.Duplicates++
		case i > 0 && e.number < t.echoes[i-1].number:
			a.Disorder++
		case i > 0 && e.epoch == t.echoes[i-1].epoch:
			gaps += t.missing(t.echoes[i-1].number, e.number)
		}
		if o.Result == actors.Dropped || o.ID == 0 {
			dropped++
		}
		if o.Result == actors.Unknown && !seen[e.number] {
			a.Rescued++
		}
		seen[e.number] = true
	}
	for number, o := range t.outcomes {
		if o.Result == actors.Written && !seen[number] {
			a.Lost++
		}
	}
	for _, p := range []struct {
		n    int
		what string
	}{
		{a.Duplicates, "messages came back twice"},
		{a.Disorder, "messages came back out of order"},
		{dropped, "messages came back that were never written"},
		{gaps, "messages are missing in the middle of a connection"},
		{len(t.foreign), fmt.Sprintf("messages came back that nobody sent: %.200q", t.foreign)},
	} {
		if p.n > 0 {
			a.Problems = append(a.Problems, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	slices.Sort(a.Problems)
}

// missing counts the messages between two numbers that were not dropped: on one
// connection none of them can get lost while a later one comes through.
func (t *tally) missing(from, to int) (n int) {
	for number := from + 1; number < to; number++ {
		if o, ok := t.outcomes[number]; ok && o.Result != actors.Dropped {
			n++
		}
	}
	return n
}
