package supervisor

import (
	"errors"
	"io"
	"testing"
	"time"
)

// step is one thing that happens in the life of a session: after passes, then it
// becomes ready or fails.
type step struct {
	after time.Duration
	ready bool
	cause error
	want  Decision // of a failure; Cause is not looked at
}

func ready(after time.Duration) step { return step{after: after, ready: true} }

func fails(after time.Duration, cause error, attempt int, delay time.Duration) step {
	return step{after: after, cause: cause, want: Decision{Attempt: attempt, Delay: delay}}
}

func ends(after time.Duration, cause error, attempt int) step {
	return step{after: after, cause: cause, want: Decision{Action: Stop, Attempt: attempt}}
}

func TestDecideTellsTheseStories(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	eof, refused := io.EOF, &statusError{status: 401}
	escalate := errors.New("escalate")
	own := func(v Verdict) func(error) Verdict { return func(error) Verdict { return v } }
	for name, c := range map[string]struct {
		p     Policy
		r     float64
		steps []step
	}{
		"a server that is away": {Policy{}, .5, []step{
			fails(0, eof, 1, 250*ms), fails(s, eof, 2, 500*ms), fails(s, eof, 3, s), fails(s, eof, 4, 2*s), fails(s, eof, 5, 4*s), fails(s, eof, 6, 5*s), fails(s, eof, 7, 5*s),
		}},
		"no jitter": {Policy{Backoff: Backoff{Jitter: -1, MaxDelay: 2 * s}}, .5, []step{
			fails(0, eof, 1, 500*ms), fails(s, eof, 2, s), fails(s, eof, 3, 2*s), fails(time.Hour, eof, 4, 2*s),
		}},
		"five minutes down raise the cap": {Policy{}, .5, []step{
			fails(0, eof, 1, 250*ms), fails(100*s, eof, 2, 500*ms), fails(199*s, eof, 3, s), fails(s, eof, 4, 2*s), fails(s, eof, 5, 4*s), fails(s, eof, 6, 8*s), fails(s, eof, 7, 15*s),
		}},
		"a stable session forgets": {Policy{}, .5, []step{
			fails(0, eof, 1, 250*ms), fails(s, eof, 2, 500*ms), ready(s), fails(30*s, eof, 1, 250*ms),
		}},
		"accept, then close counts": {Policy{}, .5, []step{
			ready(s), fails(0, eof, 1, 250*ms), ready(s), fails(s, eof, 2, 500*ms), ready(s), fails(30*s-1, eof, 3, s),
		}},
		"any ready session is stable if one says so": {Policy{Backoff: Backoff{StableAfter: -1}}, .5, []step{
			fails(0, eof, 1, 250*ms), ready(s), fails(0, eof, 1, 250*ms),
		}},
		"Ready starts the time down anew": {Policy{Backoff: Backoff{LongAfter: 10 * s, InitialDelay: time.Hour}}, .5, []step{
			fails(0, eof, 1, 5*s), fails(10*s, eof, 2, 15*s), ready(s), fails(s, eof, 3, 5*s), fails(10*s, eof, 4, 15*s),
		}},
		"giving up": {Policy{Backoff: Backoff{MaxAttempts: 2}}, .5, []step{
			fails(0, eof, 1, 250*ms),
			{after: s, cause: eof, want: Decision{Action: Stop, Attempt: 2, GaveUp: true}},
		}},
		"the loss of a stable session is no attempt": {Policy{Backoff: Backoff{MaxAttempts: 2}}, .5, []step{
			ready(s), fails(time.Minute, eof, 1, 250*ms), fails(s, eof, 2, 500*ms),
			{after: s, cause: eof, want: Decision{Action: Stop, Attempt: 3, GaveUp: true}},
		}},
		"not giving up after a stable session": {Policy{Backoff: Backoff{MaxAttempts: 1}}, .5, []step{
			ready(s), fails(time.Minute, eof, 1, 250*ms), ready(s), fails(time.Minute, eof, 1, 250*ms),
		}},
		"refused twice stops": {Policy{}, .5, []step{fails(0, refused, 1, 250*ms), ends(s, refused, 2)}},
		"refused twice with a lost network between stops": {Policy{}, .5, []step{
			fails(0, refused, 1, 250*ms), fails(s, eof, 2, 500*ms), ends(s, refused, 3),
		}},
		"refused again after a session is new": {Policy{}, .5, []step{
			fails(0, refused, 1, 250*ms), ready(s), fails(s, refused, 2, 500*ms), ends(s, refused, 3),
		}},
		"401 and then 403 is refused twice": {Policy{}, .5, []step{fails(0, refused, 1, 250*ms), ends(s, &statusError{status: 403}, 2)}},
		"two refusals of different kinds": {Policy{Classify: func(err error) Verdict {
			return Verdict{Once: true, Normal: errors.Is(err, eof)}
		}}, .5, []step{fails(0, eof, 1, 250*ms), fails(s, refused, 2, 500*ms), ends(s, refused, 3)}},
		"a protocol violation stops":           {Policy{}, .5, []step{ends(0, closeError(1002), 1)}},
		"permanent goes on after a normal end": {Policy{}, .5, []step{fails(0, closeError(1000), 1, 250*ms)}},
		"transient stops after a normal end":   {Policy{Restart: Transient}, .5, []step{ends(0, closeError(1000), 1)}},
		"transient goes on after a failure":    {Policy{Restart: Transient}, .5, []step{fails(0, eof, 1, 250*ms)}},
		"temporary stops":                      {Policy{Restart: Temporary}, .5, []step{ends(0, eof, 1)}},
		"temporary does not escalate":          {Policy{Restart: Temporary, Classify: own(Verdict{Action: Escalate})}, .5, []step{ends(0, eof, 1)}},
		"escalate": {Policy{Classify: own(Verdict{Action: Escalate})}, .5, []step{
			{cause: escalate, want: Decision{Action: Escalate, Attempt: 1}},
		}},
		"escalate before giving up": {Policy{Backoff: Backoff{MaxAttempts: -1}, Classify: own(Verdict{Action: Escalate})}, .5, []step{
			{cause: escalate, want: Decision{Action: Escalate, Attempt: 1}},
		}},
		"retry now, but no hot loop": {Policy{Classify: own(Verdict{Action: RetryNow})}, .5, []step{
			fails(0, eof, 1, 0), fails(0, eof, 2, 500*ms), ready(s), fails(time.Minute, eof, 1, 0),
		}},
		"Retry-After, lowest":            {Policy{}, 0, []step{fails(0, &statusError{status: 503, after: 20 * s}, 1, 20*s)}},
		"Retry-After, spread":            {Policy{}, .5, []step{fails(0, &statusError{status: 429, after: 20 * s}, 1, 21*s)}},
		"Retry-After up to an hour":      {Policy{}, 0, []step{fails(0, &statusError{status: 503, after: 48 * time.Hour}, 1, time.Hour)}},
		"RetryAfter without a time":      {Policy{Classify: own(Verdict{Action: RetryAfter})}, .5, []step{fails(0, eof, 1, 250*ms)}},
		"Retry-After counts as attempts": {Policy{}, 0, []step{fails(0, &statusError{status: 503, after: s}, 1, s), fails(0, &statusError{status: 503, after: s}, 2, s)}},
	} {
		t.Run(name, func(t *testing.T) { tell(t, c.p, c.r, c.steps) })
	}
}

func tell(t *testing.T, p Policy, r float64, steps []step) {
	var h History
	now := epoch
	for i, st := range steps {
		now = now.Add(st.after)
		if st.ready {
			h = h.Ready(now)
			continue
		}
		before := h
		d, after := Decide(p, h, st.cause, now, r)
		if again, _ := Decide(p, before, st.cause, now, r); again != d {
			t.Errorf("step %d: same input, %+v and %+v", i, d, again)
		}
		if h = after; !errors.Is(d.Cause, st.cause) {
			t.Errorf("step %d: cause is %v", i, d.Cause)
		}
		if d.Failed != h.Attempts || d.GaveUp && d.Failed != p.Backoff.MaxAttempts {
			t.Errorf("step %d: %d attempts failed of %d, history %+v", i, d.Failed, p.Backoff.MaxAttempts, h)
		}
		d.Cause, d.Failed = nil, 0
		if d != st.want {
			t.Errorf("step %d: got %+v, want %+v", i, d, st.want)
		}
	}
}

func TestAPanicInAClassifierStops(t *testing.T) {
	bug := errors.New("bug")
	d, h := decideSafely(Policy{Classify: func(error) Verdict { panic(bug) }}, History{Failures: 4}, io.EOF, epoch, 0)
	if d.Action != Stop || d.Attempt != 5 || !errors.Is(d.Cause, bug) || !errors.Is(d.Cause, io.EOF) || h.Failures != 4 {
		t.Errorf("got %+v, %+v", d, h)
	}
}
